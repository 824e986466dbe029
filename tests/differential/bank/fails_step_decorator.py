from dockerflow import FlowSpec, catch, step, user_step_decorator


@user_step_decorator
def failing(step_name, flow, inputs):
    yield
    raise KeyError("after the step")


class FailsStepDecorator(FlowSpec):
    """A decorator that raises fails the step, and `@catch` takes it."""

    @catch(var="why", print_exception=False)
    @failing
    @step
    def start(self):
        self.x = 1
        self.next(self.middle)

    @step
    def middle(self):
        self.next(self.end)

    @failing
    @step
    def end(self):
        self.y = 1


if __name__ == "__main__":
    FailsStepDecorator()
