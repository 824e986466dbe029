"""The first and the last step by marks."""

from dockerflow import FlowSpec, current, step


class MarkedEnds(FlowSpec):
    @step(start=True)
    def first(self):
        self.steps = [current.step_name]
        self.next(self.last)

    @step(end=True)
    def last(self):
        self.steps = [*self.steps, current.step_name]


if __name__ == "__main__":
    MarkedEnds()
