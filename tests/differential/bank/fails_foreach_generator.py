from dockerflow import FlowSpec, step


class FailsForeachGenerator(FlowSpec):
    """A generator cannot be kept."""

    @step
    def start(self):
        self.items = (number for number in range(3))
        self.next(self.each, foreach="items")

    @step
    def each(self):
        self.got = self.input
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.got = [i.got for i in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    FailsForeachGenerator()
