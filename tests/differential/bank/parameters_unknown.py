# Run with --cuont 3
from dockerflow import FlowSpec, Parameter, step


class ParametersUnknown(FlowSpec):
    """There is no such parameter."""

    count = Parameter("count", type=int, default=1)

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    ParametersUnknown()
