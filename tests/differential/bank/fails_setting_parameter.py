from dockerflow import FlowSpec, Parameter, step


class FailsSettingParameter(FlowSpec):
    """A step that sets a parameter fails."""

    count = Parameter("count", default=1)

    @step
    def start(self):
        self.count = 2
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    FailsSettingParameter()
