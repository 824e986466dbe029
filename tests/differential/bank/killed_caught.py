import os
import signal

from dockerflow import FlowSpec, catch, step


class KilledCaught(FlowSpec):
    """`@catch` makes up for a process that is gone."""

    @catch(var="gone", print_exception=False)
    @step
    def start(self):
        print("printed before", flush=True)
        self.lost = 1
        os.kill(os.getpid(), signal.SIGKILL)
        self.next(self.end)

    @step
    def end(self):
        self.has = (bool(self.gone), hasattr(self, "lost"))


if __name__ == "__main__":
    KilledCaught()
