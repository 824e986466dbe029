from dockerflow import FlowSpec, step


class ForeachInBranch(FlowSpec):
    """One branch is a foreach, the other a step."""

    @step
    def start(self):
        self.base = 10
        self.next(self.many, self.single)

    @step
    def many(self):
        self.items = "abc"
        self.next(self.each, foreach="items")

    @step
    def each(self):
        self.shown = f"{self.index}{self.input}{self.base}"
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.shown = [i.shown for i in inputs]
        self.merge_artifacts(inputs, exclude=["shown"])
        self.next(self.both)

    @step
    def single(self):
        self.shown = self.base
        self.no_foreach = (self.index, self.input, self.foreach_stack())
        self.next(self.both)

    @step
    def both(self, inputs):
        self.shown = (inputs.gather.shown, inputs.single.shown)
        self.merge_artifacts(inputs, include=["base", "items"])
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    ForeachInBranch()
