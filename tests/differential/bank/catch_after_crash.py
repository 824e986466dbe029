from __future__ import annotations

import os
import signal

from dockerflow import FlowSpec, catch, current, retry, step


class CatchAfterCrash(FlowSpec):
    """After a crash `@catch` acts in one more attempt, in a foreach and before its join; what was set is lost."""

    @step
    def start(self):
        self.before = "start"
        self.xs = [0, 1]
        self.next(self.each, foreach="xs")

    @catch(var="failed")
    @retry(times=1, minutes_between_retries=0)
    @step
    def each(self):
        self.set_in_vain = True
        self.attempt = current.retry_count
        print("attempt", current.retry_count, flush=True)
        if self.input:
            os.kill(os.getpid(), signal.SIGKILL)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.caught = [i.failed is not None for i in inputs]
        self.kept = [(hasattr(i, "set_in_vain"), hasattr(i, "attempt"), i.before) for i in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    CatchAfterCrash()
