from dockerflow import FlowSpec, step


class RecursionInForeach(FlowSpec):
    """Each task of a foreach goes round as often as it must."""

    @step
    def start(self):
        self.counts = [2, 1, 3]
        self.next(self.begin, foreach="counts")

    @step
    def begin(self):
        self.left = self.input
        self.next(self.loop)

    @step
    def loop(self):
        self.left -= 1
        self.go = "on" if self.left else "out"
        self.next({"on": self.loop, "out": self.out}, condition="go")

    @step
    def out(self):
        self.result = (self.index, self.input, self.left)
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.results = [i.result for i in inputs]
        self.next(self.end)

    @step
    def end(self):
        print(self.results)


if __name__ == "__main__":
    RecursionInForeach()
