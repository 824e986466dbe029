# Run with --size "naïve 春"
from dockerflow import FlowSpec, Parameter, step


class UnicodeEverywhere(FlowSpec):
    """Texts of any kind, in names, values and lines."""

    size = Parameter("size", default="ü")

    @step
    def start(self):
        self.wörter = ["春", "ñ", "\U0001f600", "a\u0301", "tab\there"]
        print("gedruckt: 春 \U0001f600", self.size)
        self.next(self.each, foreach="wörter")

    @step
    def each(self):
        self.länge = len(self.input)
        print(self.input)
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.längen = {i.input: i.länge for i in inputs}
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    UnicodeEverywhere()
