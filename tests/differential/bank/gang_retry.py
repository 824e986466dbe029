"""When one node fails all begin again, and all know how often."""

from dockerflow import FlowSpec, current, parallel, retry, step


class GangRetry(FlowSpec):
    @step
    def start(self):
        self.next(self.node, num_parallel=2)

    @retry(times=2, minutes_between_retries=0)
    @parallel
    @step
    def node(self):
        self.tries = current.retry_count
        if current.parallel.node_index == current.retry_count:
            raise ValueError("again")
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.tries = [each.tries for each in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    GangRetry()
