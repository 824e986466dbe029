from dockerflow import FlowSpec, Parameter, step


class ParametersMissing(FlowSpec):
    """A parameter that must be given is not."""

    count = Parameter("count", type=int, required=True)

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    ParametersMissing()
