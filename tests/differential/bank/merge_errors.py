from dockerflow import FlowSpec, step
from dockerflow.exception import (
    MetaflowException,
    MissingInMergeArtifactsException,
    UnhandledInMergeArtifactsException,
)

ERRORS = (UnhandledInMergeArtifactsException, MissingInMergeArtifactsException, MetaflowException)


class MergeErrors(FlowSpec):
    """Each way to merge wrongly has its error, and none merges anything."""

    @step
    def start(self):
        self.base = 1
        self.next(self.a, self.b)

    @step
    def a(self):
        self.conflict = self.only_a = "a"
        self.next(self.join)

    @step
    def b(self):
        self.conflict = "b"
        self.next(self.join)

    @step
    def join(self, inputs):
        self.errors = [
            self.tried(inputs),
            self.tried(inputs, include=["conflict"]),
            self.tried(inputs, include=["base", "nowhere"]),
            self.tried(inputs, include=["base"], exclude=["conflict"]),
            self.tried(inputs, exclude=["nowhere", "conflict"]),
        ]
        self.merged = self.base, self.only_a, hasattr(self, "conflict")
        self.conflict = "resolved"
        self.next(self.end)

    @step
    def end(self):
        self.errors_here = self.tried([])
        print(self.errors, self.conflict)

    def tried(self, inputs, **options):
        try:
            self.merge_artifacts(inputs, **options)
        except ERRORS as error:
            return next(number for number, kind in enumerate(ERRORS) if isinstance(error, kind))
        return "merged"


if __name__ == "__main__":
    MergeErrors()
