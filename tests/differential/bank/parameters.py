# Run with --count 7 --json '{"a": [1, 2]}' --flag true
from dockerflow import FlowSpec, JSONType, Parameter, current, step


class Parameters(FlowSpec):
    count = Parameter("count", default=3, help="how many")
    ratio = Parameter("ratio", default=0.5)
    label = Parameter("a-label", default="plain")
    flag = Parameter("flag", default=False)
    json = Parameter("json", type=JSONType, default="{}")
    words = Parameter("words", default="a,b", separator=",")
    computed = Parameter("computed", default=lambda context: context.parameter_name, type=str)
    absent = Parameter("absent", type=int)

    @step
    def start(self):
        try:
            self.count = 1
        except AttributeError:
            self.read_only = True
        self.next(self.left, self.right)

    @step
    def left(self):
        self.x = self.count
        self.next(self.join)

    @step
    def right(self):
        self.x = self.ratio
        self.next(self.join)

    @step
    def join(self, inputs):
        self.of_input = inputs[0].count, inputs.right.label
        self.here = self.count, self.flag, self.json, self.words, self.absent
        self.next(self.end)

    @step
    def end(self):
        self.names = sorted(current.parameter_names)


if __name__ == "__main__":
    Parameters()
