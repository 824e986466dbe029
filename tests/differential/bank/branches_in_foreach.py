from dockerflow import FlowSpec, step


class BranchesInForeach(FlowSpec):
    @step
    def start(self):
        self.numbers = (3, 5)
        self.next(self.each, foreach="numbers")

    @step
    def each(self):
        self.base = self.input
        self.next(self.double, self.square)

    @step
    def double(self):
        self.value = self.base * 2
        self.still = self.input
        self.next(self.both)

    @step
    def square(self):
        self.value = self.base**2
        self.still = self.input
        self.next(self.both)

    @step
    def both(self, inputs):
        self.pair = (inputs.double.value, inputs.square.value, inputs.double.still)
        self.where = self.index
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.pairs = [i.pair for i in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    BranchesInForeach()
