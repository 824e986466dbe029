"""A flow of one step, which is the first and the last."""

from dockerflow import FlowSpec, Parameter, step


class OneStep(FlowSpec):
    n = Parameter("n", default=2)

    @step
    def only(self):
        self.twice = 2 * self.n


if __name__ == "__main__":
    OneStep()
