from dockerflow import FlowSpec, step


class SwitchInBranch(FlowSpec):
    """A switch in one of two branches."""

    @step
    def start(self):
        self.next(self.chooses, self.other)

    @step
    def chooses(self):
        self.size = "large"
        self.next({"large": self.large, "small": self.small}, condition="size")

    @step
    def large(self):
        self.value = 100
        self.next(self.chosen)

    @step
    def small(self):
        self.value = 1
        self.next(self.chosen)

    @step
    def chosen(self):
        self.next(self.join)

    @step
    def other(self):
        self.value = 7
        self.next(self.join)

    @step
    def join(self, inputs):
        self.values = (inputs.chosen.value, inputs.other.value)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    SwitchInBranch()
