from dockerflow import FlowSpec, step


class Squares:
    """Iterable anew each time."""

    def __init__(self, count):
        self.count = count

    def __iter__(self):
        return (number**2 for number in range(self.count))

    def __repr__(self):
        return f"Squares({self.count})"


class ForeachGenerator(FlowSpec):
    """A foreach over an object that makes its items one by one."""

    @step
    def start(self):
        squares = Squares(4)
        self.items = map(str, squares)
        self.items = [*self.items]
        self.next(self.each, foreach="items")

    @step
    def each(self):
        self.got = self.input
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.got = [i.got for i in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    ForeachGenerator()
