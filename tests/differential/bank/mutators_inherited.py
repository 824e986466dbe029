from dockerflow import FlowMutator, FlowSpec, Parameter, step

order = []


class First(FlowMutator):
    def pre_mutate(self, mutable_flow):
        order.append("first")
        mutable_flow.add_parameter("first", Parameter("first", default=1))
        mutable_flow.add_decorator(Late)

    def mutate(self, mutable_flow):
        order.append("first, late")


class Second(FlowMutator):
    def pre_mutate(self, mutable_flow):
        order.append("second")
        mutable_flow.add_parameter("second", Parameter("second", default=mutable_flow.first.name))


class Third(FlowMutator):
    def pre_mutate(self, mutable_flow):
        order.append("third")


class Late(FlowMutator):
    def pre_mutate(self, mutable_flow):
        order.append("added")


@First
class Base(FlowSpec):
    @step
    def start(self):
        self.order = list(order)
        self.next(self.end)


@Third
@Second
class MutatorsInherited(Base):
    """The mutators of a base class come first, of several on one class the lowest, and added ones last."""

    @step
    def end(self):
        self.both = self.first, self.second


if __name__ == "__main__":
    MutatorsInherited()
