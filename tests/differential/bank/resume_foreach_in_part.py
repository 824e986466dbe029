# Then resume
from dockerflow import FlowSpec, current, step


class ResumeForeachInPart(FlowSpec):
    """A foreach whose last task failed: the others are not run again, and the join takes them in order."""

    @step
    def start(self):
        self.xs = [3, 1, 2]
        self.next(self.work, foreach="xs")

    @step
    def work(self):
        if self.index == 2 and current.origin_run_id is None:
            raise ValueError("not in the first run")
        self.y = (self.input, current.origin_run_id is not None)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.ys = [each.y for each in inputs]
        self.next(self.end)

    @step
    def end(self):
        print(self.ys)


if __name__ == "__main__":
    ResumeForeachInPart()
