# In containers --with 'conda:libraries={"pandas": "2.2.3"}'
import numpy
import pandas

from dockerflow import FlowSpec, step


class ArtifactsOfNumpy(FlowSpec):
    """Arrays and tables, changed in the next step without changing the first one's."""

    @step
    def start(self):
        self.array = numpy.arange(6, dtype="int16").reshape(2, 3)
        self.scalar = numpy.float32(1.5)
        self.table = pandas.DataFrame({"a": [1, 2], "b": ["x", "ü"]}, index=["p", "q"])
        self.column = self.table["a"]
        self.next(self.end)

    @step
    def end(self):
        self.array[0, 0] = 100
        self.table["c"] = [True, False]
        self.total = (int(self.array.sum()), self.table.shape, self.array.dtype.name)


if __name__ == "__main__":
    ArtifactsOfNumpy()
