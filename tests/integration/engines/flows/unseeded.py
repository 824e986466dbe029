"""Random numbers that nobody has seeded."""

import random

import numpy

from dockerflow import FlowSpec, step


class Unseeded(FlowSpec):
    @step
    def start(self):
        self.drawn = [random.random(), float(numpy.random.random())]
        self.next(self.end)

    @step
    def end(self):
        pass
