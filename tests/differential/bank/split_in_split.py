from dockerflow import FlowSpec, step


class SplitInSplit(FlowSpec):
    """Branches of branches, of different lengths; one goes straight to the join."""

    @step
    def start(self):
        self.path = ["start"]
        self.next(self.left, self.right, self.short)

    @step
    def left(self):
        self.path += ["left"]
        self.next(self.left_up, self.left_down)

    @step
    def left_up(self):
        self.path += ["up"]
        self.next(self.left_join)

    @step
    def left_down(self):
        self.path += ["down"]
        self.next(self.left_on)

    @step
    def left_on(self):
        self.path += ["on"]
        self.next(self.left_join)

    @step
    def left_join(self, inputs):
        self.paths = [i.path for i in sorted(inputs, key=lambda i: i.path)]
        self.next(self.all)

    @step
    def right(self):
        self.paths = [[*self.path, "right"]]
        self.next(self.right_on)

    @step
    def right_on(self):
        self.next(self.all)

    @step
    def short(self):
        self.paths = []
        self.next(self.all)

    @step
    def all(self, inputs):
        self.paths = inputs.left_join.paths + inputs.right_on.paths + inputs.short.paths
        self.next(self.end)

    @step
    def end(self):
        print(*self.paths, sep="\n")


if __name__ == "__main__":
    SplitInSplit()
