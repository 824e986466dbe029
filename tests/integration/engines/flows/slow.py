"""Its import does not end by itself."""

import time

from dockerflow import FlowSpec, step

while True:
    time.sleep(1)


class Slow(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass
