import time

from dockerflow import FlowSpec, current, retry, step, timeout


class TimeoutRetried(FlowSpec):
    """An attempt that takes too long is followed by another."""

    @retry(times=1, minutes_between_retries=0)
    @timeout(seconds=1)
    @step
    def start(self):
        print("attempt", current.retry_count)
        if current.retry_count == 0:
            time.sleep(100)
        self.done = current.retry_count
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    TimeoutRetried()
