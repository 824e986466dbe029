from dockerflow import FlowSpec, step


class RejectsLoop(FlowSpec):
    """A step may only go back to itself."""

    @step
    def start(self):
        self.value = 1
        self.next(self.double)

    @step
    def double(self):
        self.value *= 2
        self.next(self.check)

    @step
    def check(self):
        self.verdict = "large" if self.value > 5 else "small"
        self.next({"large": self.end, "small": self.double}, condition="verdict")

    @step
    def end(self):
        print(self.value)


if __name__ == "__main__":
    RejectsLoop()
