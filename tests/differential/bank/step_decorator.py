from dockerflow import FlowSpec, step, user_step_decorator


@user_step_decorator
def noting(step_name, flow, inputs=None, attributes=None):
    flow.noted = [f"before {step_name}"]
    yield
    flow.noted = [*flow.noted, f"after {step_name}"]


class StepDecorator(FlowSpec):
    """A decorator that its user wrote, before and after the step."""

    @noting
    @step
    def start(self):
        self.noted.append("inside")
        self.next(self.end)

    @step
    def end(self):
        print(self.noted)


if __name__ == "__main__":
    StepDecorator()
