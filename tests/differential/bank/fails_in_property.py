"""An exception of a property is the step's; one that the step does not ask for is none."""

from __future__ import annotations

from dockerflow import FlowSpec, step


class FailsInProperty(FlowSpec):
    @property
    def broken(self):
        raise ValueError("from a property")

    @step
    def start(self):
        self.x = 1
        self.next(self.asks)

    @step
    def asks(self):
        self.y = 1
        self.z = self.broken
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    FailsInProperty()
