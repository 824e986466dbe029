from dockerflow import FlowSpec, step


class MergeResolved(FlowSpec):
    """What the join has set already is not merged, also where the inputs agree."""

    @step
    def start(self):
        self.x, self.y, self.z = 1, 2, None
        self.next(self.a, self.b)

    @step
    def a(self):
        self.x = 10
        self.z = None
        self.next(self.join)

    @step
    def b(self):
        self.x = 20
        self.next(self.join)

    @step
    def join(self, inputs):
        self.x = inputs.a.x + inputs.b.x
        self.y = "mine"
        self.merge_artifacts(inputs)
        self.next(self.end)

    @step
    def end(self):
        print(self.x, self.y, self.z)


if __name__ == "__main__":
    MergeResolved()
