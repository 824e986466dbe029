import time

from dockerflow import FlowSpec, catch, step, timeout


class TimeoutCaught(FlowSpec):
    """What was set before the time was over is kept."""

    @catch(var="late", print_exception=False)
    @timeout(seconds=1)
    @step
    def start(self):
        self.before = 1
        time.sleep(100)
        self.after = 2
        self.next(self.end)

    @step
    def end(self):
        self.has = (self.before, hasattr(self, "after"))
        self.kind = self.late.type.rpartition(".")[2]


if __name__ == "__main__":
    TimeoutCaught()
