"""A step that dies of a signal keeps what it printed and leaves no artifacts; the next attempt begins afresh."""

from __future__ import annotations

import os
import signal

from dockerflow import FlowSpec, current, retry, step


class FailsCrash(FlowSpec):
    @retry(times=2, minutes_between_retries=0)
    @step
    def start(self):
        self.x = current.retry_count
        print("attempt", current.retry_count, flush=True)
        if current.retry_count < 2:
            os.kill(os.getpid(), [signal.SIGSEGV, signal.SIGKILL][current.retry_count])
        self.next(self.dies)

    @step
    def dies(self):
        self.y = 1
        print("the end", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    FailsCrash()
