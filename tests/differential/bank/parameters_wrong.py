# Run with --count many
from dockerflow import FlowSpec, Parameter, step


class ParametersWrong(FlowSpec):
    """A value that is no number ends the command before there is a run."""

    count = Parameter("count", default=1)

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    ParametersWrong()
