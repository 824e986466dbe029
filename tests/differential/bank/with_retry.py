# Run with --with retry:times=1,minutes_between_retries=0
from dockerflow import FlowSpec, current, step


class WithRetry(FlowSpec):
    """A decorator that the command line adds to every step."""

    @step
    def start(self):
        if current.retry_count == 0:
            raise ValueError("once")
        self.count = current.retry_count
        self.next(self.end)

    @step
    def end(self):
        self.count_of_end = current.retry_count


if __name__ == "__main__":
    WithRetry()
