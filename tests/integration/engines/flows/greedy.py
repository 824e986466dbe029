"""A flow whose import, hence its worker, needs more memory than it may have."""

import os

from dockerflow import FlowSpec, step

HELD = [bytearray(os.urandom(1 << 20)) for _ in range(int(os.environ.get("HOLD_MIB", "0")))]


class Greedy(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass
