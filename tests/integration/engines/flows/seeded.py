"""Random numbers from generators that the flow file has seeded."""

import random

import numpy

from dockerflow import FlowSpec, step

random.seed(42)
numpy.random.seed(42)


class Seeded(FlowSpec):
    @step
    def start(self):
        self.drawn = [random.random(), float(numpy.random.random())]
        self.next(self.end)

    @step
    def end(self):
        pass
