import sys

from dockerflow import FlowSpec, catch, step


class ExitCaught(FlowSpec):
    """`@catch` and `sys.exit`."""

    @catch(var="left", print_exception=False)
    @step
    def start(self):
        self.kept = 1
        sys.exit(3)
        self.next(self.end)

    @step
    def end(self):
        self.has = bool(self.left)


if __name__ == "__main__":
    ExitCaught()
