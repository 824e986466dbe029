from dockerflow import FlowSpec, step


class ForeachOfOne(FlowSpec):
    """A foreach over one item, which is None."""

    @step
    def start(self):
        self.items = [None]
        self.next(self.each, foreach="items")

    @step
    def each(self):
        self.got = (self.index, self.input, self.foreach_stack())
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.got = [i.got for i in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    ForeachOfOne()
