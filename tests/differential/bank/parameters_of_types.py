# Run with --flag False --off True --number -3 --ratio 1e3 --text "" --words "a b,c" --record '[1, null]' --long-name ü
from dockerflow import FlowSpec, JSONType, Parameter, step


class ParametersOfTypes(FlowSpec):
    """Each type, given on the command line."""

    flag = Parameter("flag", type=bool, default=True)
    off = Parameter("off", default=False)
    number = Parameter("number", type=int)
    ratio = Parameter("ratio", type=float)
    text = Parameter("text", default="full")
    words = Parameter("words", separator=",", default="x")
    record = Parameter("record", type=JSONType)
    long_name = Parameter("long-name", type=str)
    nothing = Parameter("nothing", default=None)

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        print(self.flag, self.off, self.number, self.ratio, [self.text], self.words, self.record, self.long_name)


if __name__ == "__main__":
    ParametersOfTypes()
