from dockerflow import FlowSpec, step


class FailsSwitchWithoutCase(FlowSpec):
    """No case has the value."""

    @step
    def start(self):
        self.way = "neither"
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
    FailsSwitchWithoutCase()
