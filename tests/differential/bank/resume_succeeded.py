# Then resume
# Then resume nowhere
# Then resume --origin-run-id 17
from dockerflow import FlowSpec, step


class ResumeSucceeded(FlowSpec):
    """A run that succeeded is taken over as a whole; a step or run that is not there is an error."""

    @step
    def start(self):
        self.xs = [1, 2]
        self.next(self.each, foreach="xs")

    @step
    def each(self):
        self.y = self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.ys = [each.y for each in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    ResumeSucceeded()
