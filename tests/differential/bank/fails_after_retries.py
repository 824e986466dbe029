from dockerflow import FlowSpec, current, retry, step


class FailsAfterRetries(FlowSpec):
    """Every attempt fails."""

    @retry(times=2, minutes_between_retries=0)
    @step
    def start(self):
        self.attempt = current.retry_count
        print("attempt", self.attempt)
        raise LookupError(f"attempt {self.attempt}")
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    FailsAfterRetries()
