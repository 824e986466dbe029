# Run with --kind b
from dockerflow import FlowSpec, Parameter, step


class SwitchText(FlowSpec):
    """One of three ways, by a text."""

    kind = Parameter("kind", default="a")

    @step
    def start(self):
        self.way = self.kind
        self.next({"a": self.first, "b": self.second, "c": self.third}, condition="way")

    @step
    def first(self):
        self.took = 1
        self.next(self.last)

    @step
    def second(self):
        self.took = 2
        self.next(self.last)

    @step
    def third(self):
        self.took = 3
        self.next(self.last)

    @step
    def last(self):
        self.took_later = self.took
        self.next(self.end)

    @step
    def end(self):
        print("took", self.took)


if __name__ == "__main__":
    SwitchText()
