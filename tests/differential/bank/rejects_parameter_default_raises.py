from dockerflow import FlowSpec, Parameter, step


class RejectsParameterDefaultRaises(FlowSpec):
    x = Parameter("x", default=lambda context: 1 / 0)

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    RejectsParameterDefaultRaises()
