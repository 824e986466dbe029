import collections
import dataclasses
import enum

import shapes

from dockerflow import FlowSpec, step

Pair = collections.namedtuple("Pair", "left right")


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class ArtifactsOfOwnClasses(FlowSpec):
    """Classes of the flow's file and of a module beside it."""

    @step
    def start(self):
        self.square = shapes.Square(3)
        self._private = [Pair(1, 2), Colour.RED, Point(1)]
        self.next(self.end)

    @step
    def end(self):
        self.area = self.square.area()
        pair, colour, point = self._private
        self.told = (pair.right, colour.name, colour is Colour.RED, dataclasses.asdict(point), type(pair).__name__)
        self._private = None


if __name__ == "__main__":
    ArtifactsOfOwnClasses()
