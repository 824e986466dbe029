from dockerflow import FlowSpec, step


class RejectsSwitchToJoin(FlowSpec):
    """None of a switch's ways leads to the join at once."""

    @step
    def start(self):
        self.next(self.quick, self.slow)

    @step
    def quick(self):
        self.skip = "yes"
        self.next({"yes": self.join, "no": self.more}, condition="skip")

    @step
    def more(self):
        self.next(self.join)

    @step
    def slow(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    RejectsSwitchToJoin()
