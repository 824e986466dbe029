# In containers --with 'conda:libraries={"numpy": "1.26.4"}'
import numpy

from dockerflow import FlowSpec, step


class ForeachNumpy(FlowSpec):
    """Rows of an array, then numbers of a row."""

    @step
    def start(self):
        self.table = numpy.arange(6).reshape(2, 3)
        self.next(self.row, foreach="table")

    @step
    def row(self):
        self.values = self.input
        self.next(self.value, foreach="values")

    @step
    def value(self):
        self.twice = self.input * 2
        self.kind = type(self.input).__name__
        self.next(self.join_values)

    @step
    def join_values(self, inputs):
        self.twice = numpy.array([i.twice for i in inputs])
        self.next(self.join_rows)

    @step
    def join_rows(self, inputs):
        self.twice = numpy.stack([i.twice for i in inputs])
        self.next(self.end)

    @step
    def end(self):
        self.same = (self.twice == numpy.arange(6).reshape(2, 3) * 2).all()


if __name__ == "__main__":
    ForeachNumpy()
