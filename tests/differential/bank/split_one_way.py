from dockerflow import FlowSpec, step


class SplitOneWay(FlowSpec):
    """Two splits, one after the other, and a step between them."""

    @step
    def start(self):
        self.total = 0
        self.next(self.a, self.b)

    @step
    def a(self):
        self.total += 1
        self.next(self.first)

    @step
    def b(self):
        self.total += 2
        self.next(self.first)

    @step
    def first(self, inputs):
        self.total = sum(i.total for i in inputs)
        self.next(self.between)

    @step
    def between(self):
        self.total *= 10
        self.next(self.c, self.d, self.e)

    @step
    def c(self):
        self.total += 1
        self.next(self.second)

    @step
    def d(self):
        self.total += 2
        self.next(self.second)

    @step
    def e(self):
        self.total += 3
        self.next(self.second)

    @step
    def second(self, inputs):
        self.total = sum(i.total for i in inputs)
        self.next(self.end)

    @step
    def end(self):
        print(self.total)


if __name__ == "__main__":
    SplitOneWay()
