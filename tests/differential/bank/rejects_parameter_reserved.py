from dockerflow import FlowSpec, Parameter, step


class RejectsParameterReserved(FlowSpec):
    x = Parameter("tags", default="a")

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    RejectsParameterReserved()
