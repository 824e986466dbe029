from dockerflow import FlowSpec, step


class FailsEmptyForeach(FlowSpec):
    @step
    def start(self):
        self.xs = []
        self.kept = 1
        self.next(self.a, foreach="xs")

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
    FailsEmptyForeach()
