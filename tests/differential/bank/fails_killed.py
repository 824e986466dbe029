import os
import signal

from dockerflow import FlowSpec, step


class FailsKilled(FlowSpec):
    """A step that kills itself has failed; what it printed is kept."""

    @step
    def start(self):
        print("printed before", flush=True)
        self.lost = 1
        os.kill(os.getpid(), signal.SIGKILL)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    FailsKilled()
