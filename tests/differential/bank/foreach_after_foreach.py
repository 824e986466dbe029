from dockerflow import FlowSpec, step


class ForeachAfterForeach(FlowSpec):
    """One foreach after the other."""

    @step
    def start(self):
        self.items = [3, 1, 2]
        self.next(self.each, foreach="items")

    @step
    def each(self):
        self.square = self.input**2
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.items = [i.square for i in inputs]
        self.next(self.between)

    @step
    def between(self):
        self.next(self.again, foreach="items")

    @step
    def again(self):
        self.half = self.input / 2
        self.next(self.last)

    @step
    def last(self, inputs):
        self.halves = [i.half for i in inputs]
        self.items = [item for i in inputs for item in i.items]
        self.next(self.end)

    @step
    def end(self):
        print(self.halves, self.items)


if __name__ == "__main__":
    ForeachAfterForeach()
