"""`current.run` and `current.task` are what the client gives, and can be artifacts."""

from __future__ import annotations

from dockerflow import FlowSpec, current, step


class CurrentObjects(FlowSpec):
    @step
    def start(self):
        self.task, self.run = current.task, current.run
        self.x = 3
        self.next(self.middle)

    @step
    def middle(self):
        self.found = self.task["x"].data, self.task.data.x, self.task.parent.parent.id == current.run.id
        self.kinds = type(self.task).__name__, type(self.run).__name__
        self.steps = sorted(step.id for step in self.run)
        self.next(self.end)

    @step
    def end(self):
        self.same = self.run.pathspec == current.run.pathspec, self.task.pathspec == current.task.pathspec
        self.here = current.task.pathspec == current.pathspec


if __name__ == "__main__":
    CurrentObjects()
