"""Nothing keeps it from being forked, and one step asks not to be."""

from dockerflow import FlowSpec, isolation, step

STATE = []


class Asking(FlowSpec):
    @isolation(level="interpreter")
    @step
    def start(self):
        STATE.append(1)
        self.state = STATE
        self.next(self.end)

    @step
    def end(self):
        pass
