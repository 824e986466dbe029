from dockerflow import FlowSpec, step


class FailsMissingForeach(FlowSpec):
    @step
    def start(self):
        self.n = 5
        self.next(self.a, foreach="n")

    @step
    def a(self):
        self.next(self.j)

    @step
    def j(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    FailsMissingForeach()
