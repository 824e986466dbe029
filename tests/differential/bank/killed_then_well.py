import os
import signal

from dockerflow import FlowSpec, current, retry, step


class KilledThenWell(FlowSpec):
    """The attempt after one that was killed begins anew."""

    @retry(times=1, minutes_between_retries=0)
    @step
    def start(self):
        print("attempt", current.retry_count, flush=True)
        if current.retry_count == 0:
            self.lost = 1
            os.kill(os.getpid(), signal.SIGKILL)
        self.next(self.end)

    @step
    def end(self):
        self.has = hasattr(self, "lost")


if __name__ == "__main__":
    KilledThenWell()
