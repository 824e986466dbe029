from dockerflow import FlowSpec, step


class ForeachInSwitch(FlowSpec):
    """One of a switch's ways is a foreach."""

    @step
    def start(self):
        self.mode = "many"
        self.next({"many": self.many, "single": self.single}, condition="mode")

    @step
    def many(self):
        self.items = [5, 6]
        self.next(self.each, foreach="items")

    @step
    def each(self):
        self.value = self.input
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.value = sum(i.value for i in inputs)
        self.next(self.end)

    @step
    def single(self):
        self.value = 0
        self.next(self.end)

    @step
    def end(self):
        print(self.value)


if __name__ == "__main__":
    ForeachInSwitch()
