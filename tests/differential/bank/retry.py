from dockerflow import FlowSpec, catch, current, retry, step


class Retrying(FlowSpec):
    @retry(times=2, minutes_between_retries=0)
    @step
    def start(self):
        self.attempt = current.retry_count
        if current.retry_count < 2:
            self.left_over = True
            raise RuntimeError("again")
        self.next(self.flaky)

    @catch(var="error")
    @retry(times=1, minutes_between_retries=0)
    @step
    def flaky(self):
        self.tries = current.retry_count
        raise RuntimeError("always")
        self.next(self.end)

    @step
    def end(self):
        self.message = self.error.exception
        self.had_left_over = hasattr(self, "left_over")


if __name__ == "__main__":
    Retrying()
