from dockerflow import FlowSpec, current, retry, step


class RetryThenWell(FlowSpec):
    """Only what the last attempt set is kept, and what it printed."""

    @step
    def start(self):
        self.inherited = ["start"]
        self.next(self.flaky)

    @retry(times=3, minutes_between_retries=0)
    @step
    def flaky(self):
        print("attempt", current.retry_count)
        self.inherited.append(current.retry_count)
        setattr(self, f"only_{current.retry_count}", True)
        if current.retry_count < 2:
            raise OSError(5, "not yet")
        self.next(self.end)

    @step
    def end(self):
        self.has = [hasattr(self, f"only_{number}") for number in range(4)]


if __name__ == "__main__":
    RetryThenWell()
