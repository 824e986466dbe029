from dockerflow import FlowSpec, step


class Base(FlowSpec):
    def prepare(self):
        self.prepared = ["base"]

    @step
    def start(self):
        self.prepare()
        self.next(self.end)

    @step
    def end(self):
        self.ended = ["base"]


class InheritanceSuper(Base):
    """Methods and a step call what they replace."""

    def prepare(self):
        super().prepare()
        self.prepared = [*self.prepared, "derived"]

    @step
    def end(self):
        super().end()
        self.ended = [*self.ended, "derived"]


if __name__ == "__main__":
    InheritanceSuper()
