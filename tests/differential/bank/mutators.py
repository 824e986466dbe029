from dockerflow import (
    Config,
    FlowMutator,
    FlowSpec,
    Parameter,
    StepMutator,
    current,
    environment,
    retry,
    step,
    user_step_decorator,
)

seen = []


@user_step_decorator
def noting(step_name, flow, inputs, attributes):
    yield
    flow.noted = {**attributes, "seen": list(seen)}


class Retried(StepMutator):
    def init(self, *args, **kwargs):
        self.args, self.kwargs = args, kwargs

    def pre_mutate(self, mutable_step):
        seen.append(("pre", self.args, sorted(self.kwargs.items())))
        seen.append([name for name, *_ in mutable_step.decorator_specs])
        mutable_step.add_decorator("retry:times=1,minutes_between_retries=0")
        mutable_step.add_decorator(noting, deco_kwargs={"by": "mutator"})
        seen.append(mutable_step.add_decorator("retry:times=9", duplicates=mutable_step.IGNORE) is None)
        seen.append(mutable_step.flow.settings.size)

    def mutate(self, mutable_step):
        seen.append([name for name, *_ in mutable_step.decorator_specs])


class Changing(FlowMutator):
    def init(self, *args, **kwargs):
        self.word = kwargs["word"]

    def pre_mutate(self, mutable_flow):
        seen.append(self.word)
        seen.append([(name, value.size) for name, value in mutable_flow.configs])
        seen.append(sorted(name for name, _ in mutable_flow.parameters))
        seen.append(sorted(name for name, _ in mutable_flow.steps))
        seen.append([(name, args, kwargs) for name, _, args, kwargs in mutable_flow.decorator_specs])
        size = next(iter(mutable_flow.configs))[1].size
        mutable_flow.add_parameter("added", Parameter("added", default=size))
        mutable_flow.add_parameter("kept", Parameter("kept", default="new"), overwrite=True)
        seen.append([mutable_flow.remove_parameter("gone"), mutable_flow.remove_parameter("gone")])
        mutable_flow.start.add_decorator(environment, deco_kwargs={"vars": {"MUTATED": str(size)}})
        seen.append(mutable_flow.start.has_decorator("environment"))

    def mutate(self, mutable_flow):
        for name, each in mutable_flow.steps:
            seen.append((name, each.has_decorator("retry")))
        seen.append(mutable_flow.end.remove_decorator("retry"))


@Changing(word="flow")
class Mutators(FlowSpec):
    """Mutators of a flow and of a step: what they see, add and remove, and when."""

    settings = Config("settings", default_value={"size": 5})
    kept = Parameter("kept", default="old")
    gone = Parameter("gone", default=1)

    @noting
    @step
    def start(self):
        import os

        self.variable = os.environ["MUTATED"]
        self.parameters = self.added, self.kept, hasattr(self, "gone"), sorted(current.parameter_names)
        self.next(self.middle)

    @Retried("one", word=settings.size)
    @step
    def middle(self):
        self.attempt = current.retry_count
        if current.retry_count == 0:
            raise ValueError("the first attempt")
        self.next(self.end)

    @retry(times=3, minutes_between_retries=0)
    @step
    def end(self):
        pass


if __name__ == "__main__":
    Mutators()
