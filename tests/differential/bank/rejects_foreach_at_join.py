from dockerflow import FlowSpec, step


class RejectsForeachAtJoin(FlowSpec):
    """A step cannot both join and split."""

    @step
    def start(self):
        self.items = [3, 1, 2]
        self.next(self.each, foreach="items")

    @step
    def each(self):
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.items = [1, 2]
        self.next(self.again, foreach="items")

    @step
    def again(self):
        self.next(self.last)

    @step
    def last(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    RejectsForeachAtJoin()
