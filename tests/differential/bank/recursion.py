from dockerflow import FlowSpec, step


class Recursion(FlowSpec):
    """A step that runs until it is done."""

    @step
    def start(self):
        self.rounds = 0
        self.history = []
        self.next(self.loop)

    @step
    def loop(self):
        self.rounds += 1
        self.history.append(self.rounds)
        print("round", self.rounds)
        self.more = "again" if self.rounds < 3 else "done"
        self.next({"again": self.loop, "done": self.leave}, condition="more")

    @step
    def leave(self):
        self.next(self.end)

    @step
    def end(self):
        print(self.history)


if __name__ == "__main__":
    Recursion()
