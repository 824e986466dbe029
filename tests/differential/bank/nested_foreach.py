from dockerflow import FlowSpec, step


class NestedForeach(FlowSpec):
    @step
    def start(self):
        self.outer = [1, 2]
        self.next(self.first, foreach="outer")

    @step
    def first(self):
        self.inner = [self.input * 10 + i for i in range(self.input + 1)]
        self.next(self.second, foreach="inner")

    @step
    def second(self):
        self.stack = self.foreach_stack()
        self.here = (self.index, self.input)
        self.next(self.join_inner)

    @step
    def join_inner(self, inputs):
        self.sum = sum(i.input for i in inputs)
        self.place = self.index
        self.next(self.join_outer)

    @step
    def join_outer(self, inputs):
        self.sums = [i.sum for i in inputs]
        self.places = [i.place for i in inputs]
        self.next(self.end)

    @step
    def end(self):
        self.total = sum(self.sums)


if __name__ == "__main__":
    NestedForeach()
