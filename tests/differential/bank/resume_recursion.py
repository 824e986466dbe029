# Then resume
from dockerflow import FlowSpec, current, step


class ResumeRecursion(FlowSpec):
    """A recursion goes on in the round that failed, and a switch is followed as before."""

    @step
    def start(self):
        self.round = 0
        self.done = []
        self.next(self.loop)

    @step
    def loop(self):
        self.round += 1
        if self.round == 3 and current.origin_run_id is None:
            raise ValueError("not in the first run")
        self.done = [*self.done, (self.round, current.origin_run_id is not None)]
        self.go = "on" if self.round < 5 else "out"
        self.next({"on": self.loop, "out": self.choose}, condition="go")

    @step
    def choose(self):
        self.kind = "big"
        self.next({"big": self.big, "small": self.small}, condition="kind")

    @step
    def big(self):
        self.next(self.end)

    @step
    def small(self):
        self.next(self.end)

    @step
    def end(self):
        print(self.done)


if __name__ == "__main__":
    ResumeRecursion()
