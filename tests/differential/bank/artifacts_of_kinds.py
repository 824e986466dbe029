import datetime
import decimal
import fractions
import pathlib
import uuid

from dockerflow import FlowSpec, step


class ArtifactsOfKinds(FlowSpec):
    """Values of the standard library's types come back as they were."""

    @step
    def start(self):
        self.nothing = None
        self.numbers = (1, -2.5, 3 + 4j, 10**40, True, float("inf"))
        self.texts = ("", "a\\x00b", b"\\xff", bytearray(b"x"))
        self.sets = (frozenset({1}), {2}, set())
        self.nested = {"a": [{"b": (1, [2])}], 3: None, (1, 2): "tuple"}
        self.itself = [1]
        self.itself.append(self.itself)
        self.moment = datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.timezone.utc)
        self.exact = (decimal.Decimal("1.10"), fractions.Fraction(1, 3), pathlib.PurePosixPath("a/b"), uuid.UUID(int=5))
        self.builtin = (len, dict, range(3), slice(1, 2), ..., NotImplemented)
        self.error = ValueError("kept", 1)
        self.next(self.end)

    @step
    def end(self):
        self.same = (self.nested[(1, 2)], self.itself[1] is self.itself, self.error.args, self.builtin[0] is len)


if __name__ == "__main__":
    ArtifactsOfKinds()
