from dockerflow import FlowSpec, step


class ForeachInputChanged(FlowSpec):
    """What a task makes of its item is its own affair."""

    @step
    def start(self):
        self.items = [{"n": 1}, {"n": 2}]
        self.next(self.each, foreach="items")

    @step
    def each(self):
        self.input["n"] += 10
        self.seen = self.input
        self.next(self.after)

    @step
    def after(self):
        self.later = self.input
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.seen = [(i.seen, i.later, i.items) for i in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    ForeachInputChanged()
