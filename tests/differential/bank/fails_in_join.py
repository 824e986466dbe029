from dockerflow import FlowSpec, step


class FailsInJoin(FlowSpec):
    """An artifact that one branch has is asked of the other."""

    @step
    def start(self):
        self.next(self.a, self.b)

    @step
    def a(self):
        self.only_a = 1
        self.next(self.join)

    @step
    def b(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.before = inputs.a.only_a
        self.after = inputs.b.only_a
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    FailsInJoin()
