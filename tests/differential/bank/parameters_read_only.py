from dockerflow import FlowSpec, Parameter, step


class ParametersReadOnly(FlowSpec):
    """Neither parameters nor constants can be set or deleted; both are in every task."""

    count = Parameter("count", default=1)
    limit = 5

    @step
    def start(self):
        self.refused = []
        for name in ("count", "limit"):
            try:
                setattr(self, name, 2)
            except AttributeError:
                self.refused.append(name)
        self.next(self.a, self.b)

    @step
    def a(self):
        self.next(self.join)

    @step
    def b(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.seen = (self.count, self.limit, inputs.a.count, inputs.b.limit)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    ParametersReadOnly()
