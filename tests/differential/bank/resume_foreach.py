# Then resume
from dockerflow import FlowSpec, current, step


class ResumeForeach(FlowSpec):
    """Foreaches in a foreach: the first one was joined, and of the second the join alone runs again."""

    @step
    def start(self):
        self.letters = ["a", "b"]
        self.next(self.outer, foreach="letters")

    @step
    def outer(self):
        self.letter = self.input
        self.numbers = [1, 2]
        self.next(self.inner, foreach="numbers")

    @step
    def inner(self):
        self.word = f"{self.letter}{self.input}"
        self.by = current.origin_run_id is not None
        self.next(self.join_inner)

    @step
    def join_inner(self, inputs):
        self.words = [(each.word, each.by) for each in inputs]
        if self.words[0][0] == "b1" and current.origin_run_id is None:
            raise ValueError("not in the first run")
        self.next(self.join_outer)

    @step
    def join_outer(self, inputs):
        self.words = [word for each in inputs for word in each.words]
        self.next(self.end)

    @step
    def end(self):
        print([word for word, _ in self.words])


if __name__ == "__main__":
    ResumeForeach()
