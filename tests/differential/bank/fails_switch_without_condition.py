from dockerflow import FlowSpec, step


class FailsSwitchWithoutCondition(FlowSpec):
    """What the switch asks for is not there."""

    @step
    def start(self):
        self.next({"a": self.a, "b": self.b}, condition="way")

    @step
    def a(self):
        self.next(self.end)

    @step
    def b(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    FailsSwitchWithoutCondition()
