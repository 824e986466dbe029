from dockerflow import FlowSpec, UserStepDecorator, current, retry, step, user_step_decorator

calls = []


@user_step_decorator
def outer(step_name, flow, inputs):
    calls.append(f"outer before {step_name} {'with' if inputs else 'without'} inputs")
    flow.set_before = getattr(flow, "set_before", 0) + 1
    yield
    calls.append("outer after")
    flow.calls = list(calls)
    flow.seen = getattr(flow, "x", None)


@user_step_decorator
def options(step_name, flow, inputs, attributes):
    calls.append(f"options before {sorted(attributes.items())}")
    yield
    calls.append("options after")


class Inner(UserStepDecorator):
    def init(self, *args, **kwargs):
        self.word = kwargs.get("word", "none")

    def pre_step(self, step_name, flow, inputs=None):
        calls.append(f"inner before {step_name} {self.word}")

    def post_step(self, step_name, flow, exception=None):
        calls.append(f"inner after {type(exception).__name__}")
        return exception


class StepDecorators(FlowSpec):
    """Decorators of the user's own around steps: their order, their options, what they see and set."""

    @outer
    @options(a=1, b="two")
    @Inner(word="here")
    @step
    def start(self):
        calls.append(f"start {self.set_before}")
        self.x = 1
        self.next(self.split)

    @outer
    @Inner
    @step
    def split(self):
        self.items = [1, 2]
        self.next(self.each, foreach="items")

    @Inner(word="each")
    @outer
    @step
    def each(self):
        self.x = self.input
        self.next(self.join)

    @outer
    @step
    def join(self, inputs):
        self.x = sum(each.x for each in inputs)
        self.next(self.again)

    @outer
    @retry(times=1, minutes_between_retries=0)
    @Inner
    @step
    def again(self):
        calls.append(f"attempt {current.retry_count}")
        if current.retry_count == 0:
            raise ValueError("the first")
        self.next(self.end)

    @outer
    @step
    def end(self):
        pass


if __name__ == "__main__":
    StepDecorators()
