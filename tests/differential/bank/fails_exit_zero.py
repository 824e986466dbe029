import sys

from dockerflow import FlowSpec, step


class FailsExitZero(FlowSpec):
    """A step that leaves by `sys.exit(0)`, before its `self.next`."""

    @step
    def start(self):
        self.kept = 1
        sys.exit(0)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    FailsExitZero()
