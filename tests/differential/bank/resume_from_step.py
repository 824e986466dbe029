# Run with --number 3 --tag first
# Then resume middle --tag second
from dockerflow import FlowSpec, Parameter, current, step


class ResumeFromStep(FlowSpec):
    """A run that went well, from one of its steps on; parameters stay, tags are new."""

    number = Parameter("number", default=1)

    @step
    def start(self):
        self.first = current.origin_run_id is None
        self.next(self.middle)

    @step
    def middle(self):
        self.second = current.origin_run_id is None
        self.next(self.end)

    @step
    def end(self):
        print(self.first, self.second, self.number, sorted(current.tags))


if __name__ == "__main__":
    ResumeFromStep()
