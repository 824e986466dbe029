# In containers --with 'conda:libraries={"pandas": "2.2.3"}'
from dockerflow import FlowSpec, step


class ForeachPandas(FlowSpec):
    """A foreach over a pandas object goes over what its subscripts 0, 1, … give."""

    @step
    def start(self):
        import pandas as pd

        self.numbers = pd.Series([7, 8], index=[1, 0])
        self.table = pd.DataFrame([[1, 2, 3], [4, 5, 6]])
        self.next(self.number, self.column)

    @step
    def number(self):
        self.next(self.each_number, foreach="numbers")

    @step
    def each_number(self):
        self.got = repr(self.input), self.index
        self.next(self.gather_numbers)

    @step
    def gather_numbers(self, inputs):
        self.got = [i.got for i in inputs]
        self.next(self.join)

    @step
    def column(self):
        self.next(self.each_column, foreach="table")

    @step
    def each_column(self):
        self.got = self.input.tolist(), self.index, len(self.foreach_stack())
        self.next(self.gather_columns)

    @step
    def gather_columns(self, inputs):
        self.got = [i.got for i in inputs]
        self.next(self.join)

    @step
    def join(self, inputs):
        self.got = inputs.gather_numbers.got, inputs.gather_columns.got
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    ForeachPandas()
