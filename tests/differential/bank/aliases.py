from dockerflow import FlowSpec, step


class Aliases(FlowSpec):
    """Two names for one object are one in their step, and two in the next."""

    @step
    def start(self):
        self.a = self.b = [1]
        self.a.append(2)
        self.next(self.middle)

    @step
    def middle(self):
        self.a.append(3)
        self.lengths = (len(self.a), len(self.b))
        self.next(self.end)

    @step
    def end(self):
        alias = self.b
        alias.append("x")
        self.c = alias


if __name__ == "__main__":
    Aliases()
