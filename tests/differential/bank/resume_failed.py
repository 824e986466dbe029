# Run with --alpha 7 --tag "of the first"
# Then resume --tag "of the second, in two words"
from dockerflow import FlowSpec, Parameter, catch, current, retry, step


class ResumeFailed(FlowSpec):
    """A run that failed goes on with what its branches have done: retried, caught, and not begun."""

    alpha = Parameter("alpha", type=int, default=3)

    @step
    def start(self):
        print("start", self.alpha)
        self.next(self.retried, self.caught, self.failing)

    @retry(times=1, minutes_between_retries=0)
    @step
    def retried(self):
        if current.retry_count == 0:
            raise ValueError("the first attempt")
        self.attempt = current.retry_count
        self.next(self.join)

    @catch(var="oops")
    @step
    def caught(self):
        self.before = 1
        raise KeyError("caught")
        self.next(self.join)

    @step
    def failing(self):
        self.origin = current.origin_run_id is not None
        if current.origin_run_id is None:
            raise RuntimeError("only a resumed run does this")
        self.next(self.join)

    @step
    def join(self, inputs):
        self.attempt = inputs.retried.attempt
        self.oops = inputs.caught.oops
        self.origin = inputs.failing.origin
        self.next(self.end)

    @step
    def end(self):
        print("end", self.alpha, self.attempt, sorted(current.tags))


if __name__ == "__main__":
    ResumeFailed()
