from dockerflow import USER_SKIP_STEP, FlowSpec, UserStepDecorator, step, user_step_decorator


@user_step_decorator
def skipped(step_name, flow, inputs):
    flow.skipped = step_name
    yield USER_SKIP_STEP
    flow.after_skip = True


@user_step_decorator
def other_items(step_name, flow, inputs):
    flow.others = ["x", "y", "z"]
    yield {"foreach": "others"}


@user_step_decorator
def replaced(step_name, flow, inputs, attributes):
    def instead(flow, inputs=None):
        flow.x = "instead" if inputs is None else [each.x for each in inputs]
        return attributes.get("next")

    yield instead


@user_step_decorator
def caught(step_name, flow, inputs):
    try:
        yield
    except ZeroDivisionError as error:
        flow.error = str(error)


class Skips(UserStepDecorator):
    def pre_step(self, step_name, flow, inputs=None):
        flow.by_class = step_name
        self.skip_step = True

    def post_step(self, step_name, flow, exception=None):
        return None


class Never(UserStepDecorator):
    def pre_step(self, step_name, flow, inputs=None):
        flow.never = True


class StepDecoratorsInstead(FlowSpec):
    """Decorators that leave steps out, replace them, go on after their failures and change what follows."""

    @skipped
    @Never
    @step
    def start(self):
        self.never = True
        self.next(self.split)

    @other_items
    @step
    def split(self):
        self.items = [1, 2]
        self.next(self.each, foreach="items")

    @replaced(next=True)
    @step
    def each(self):
        self.x = 1
        self.next(self.join)

    @replaced(next=True)
    @step
    def join(self, inputs):
        self.x = 2
        self.next(self.failing)

    @caught
    @step
    def failing(self):
        self.kept = 1
        1 / 0
        self.next(self.by_class)

    @Skips
    @step
    def by_class(self):
        self.never = True
        self.next(self.branches)

    @caught
    @step
    def branches(self):
        1 / 0
        self.next(self.a, self.b)

    @step
    def a(self):
        self.next(self.both)

    @skipped
    @step
    def b(self):
        self.next(self.both)

    @step
    def both(self, inputs):
        self.steps = [getattr(each, "skipped", None) for each in inputs]
        self.next(self.end)

    @skipped
    @step
    def end(self):
        self.never = True


if __name__ == "__main__":
    StepDecoratorsInstead()
