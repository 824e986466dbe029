import sys

from dockerflow import FlowSpec, step


class FailsExit(FlowSpec):
    """A step that leaves by `sys.exit` with a code has failed."""

    @step
    def start(self):
        print("before")
        self.kept = 1
        sys.exit(3)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    FailsExit()
