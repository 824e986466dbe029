from dockerflow import FlowSpec, step


class ForeachDict(FlowSpec):
    """A foreach over a dict goes over its keys."""

    @step
    def start(self):
        self.prices = {"tea": 3, "coffee": 4}
        self.next(self.each, foreach="prices")

    @step
    def each(self):
        self.drink = self.input
        self.price = self.prices[self.input]
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.prices = {i.drink: i.price for i in inputs}
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    ForeachDict()
