from dockerflow import FlowSpec, Parameter, step


class RejectsParameterDefaultType(FlowSpec):
    x = Parameter("x", type=int, default=lambda context: "one")

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    RejectsParameterDefaultType()
