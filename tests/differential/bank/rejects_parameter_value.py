# Run with --x one
from dockerflow import FlowSpec, Parameter, step


class RejectsParameterValue(FlowSpec):
    x = Parameter("x", default=1)

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    RejectsParameterValue()
