"""Base classes in a module of their own."""

from metaflow import Config, FlowSpec, Parameter, step, user_step_decorator


@user_step_decorator
def counted(step_name, flow, inputs, attributes):
    flow.before = attributes.get("by", 0)
    yield
    flow.after = flow.before + 1


class Tools:
    unit = "kg"
    weight = Parameter("weight", default=70)

    def weighed(self):
        return f"{self.weight} {self.unit}"


class Beginning(FlowSpec):
    settings = Config("settings", default_value={"size": 3})
    alpha = Parameter("alpha", default=settings.size)
    factor = 2

    @step
    def start(self):
        self.begun = self.alpha * self.factor
        self.next(self.middle)

    @step
    def middle(self):
        self.replaced = False
        self.next(self.end)

    def helper(self):
        return "base"


class Ending(Beginning):
    @step
    def end(self):
        self.ended = self.helper()
