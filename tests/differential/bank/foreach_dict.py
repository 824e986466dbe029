from dockerflow import FlowSpec, step


class ForeachDict(FlowSpec):
    """A foreach over the items of a dict."""

    @step
    def start(self):
        self.prices = {"tea": 3, "coffee": 4}
        self.pairs = self.prices.items()
        self.pairs = list(self.pairs)
        self.next(self.each, foreach="pairs")

    @step
    def each(self):
        self.name_of, self.price = self.input
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.prices = {i.name_of: i.price for i in inputs}
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    ForeachDict()
