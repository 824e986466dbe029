from dockerflow import FlowSpec, step


class FailsInForeach(FlowSpec):
    """The last task of a foreach fails."""

    @step
    def start(self):
        self.items = [1, 2, 0]
        self.next(self.each, foreach="items")

    @step
    def each(self):
        self.before = self.input
        self.value = 1 / self.input
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    FailsInForeach()
