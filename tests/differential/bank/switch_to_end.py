from dockerflow import FlowSpec, step


class SwitchToEnd(FlowSpec):
    """A switch may end the run at once."""

    @step
    def start(self):
        self.done = "early"
        self.next({"early": self.end, "late": self.work}, condition="done")

    @step
    def work(self):
        self.worked = True
        self.next(self.end)

    @step
    def end(self):
        self.has_worked = hasattr(self, "worked")


if __name__ == "__main__":
    SwitchToEnd()
