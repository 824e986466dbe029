from dockerflow import FlowSpec, step
from dockerflow.exception import MetaflowException


class MergeForeach(FlowSpec):
    """Merging tasks of a foreach: what is equal in all, what is in one alone, what differs."""

    @step
    def start(self):
        self.same = {"k": [1]}
        self.items = [0, 1, 2]
        self.next(self.each, foreach="items")

    @step
    def each(self):
        if self.index == 1:
            self.alone = "only here"
        self.equal = "x" * 3
        self.differs = self.input
        self.next(self.gather)

    @step
    def gather(self, inputs):
        try:
            self.merge_artifacts(inputs)
        except MetaflowException:
            self.refused = True
        self.before = [hasattr(self, name) for name in ("same", "alone", "equal", "differs")]
        self.merge_artifacts(inputs, exclude=["differs"])
        self.after = [hasattr(self, name) for name in ("same", "alone", "equal", "differs")]
        self.next(self.end)

    @step
    def end(self):
        print(self.same, self.alone, self.equal, self.items)


if __name__ == "__main__":
    MergeForeach()
