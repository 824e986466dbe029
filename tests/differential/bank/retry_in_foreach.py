from dockerflow import FlowSpec, current, retry, step


class RetryInForeach(FlowSpec):
    """Each task has attempts of its own, and its place in the join."""

    @step
    def start(self):
        self.needs = [0, 2, 1]
        self.next(self.each, foreach="needs")

    @retry(times=2, minutes_between_retries=0)
    @step
    def each(self):
        if current.retry_count < self.input:
            raise ValueError("more")
        self.took = current.retry_count
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.took = [i.took for i in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    RetryInForeach()
