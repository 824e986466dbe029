from dockerflow import FlowSpec, step


class Iterables(FlowSpec):
    @step
    def start(self):
        self.text = "xyz"
        self.next(self.letter, foreach="text")

    @step
    def letter(self):
        self.span = range(self.index, self.index + 2)
        self.next(self.number, foreach="span")

    @step
    def number(self):
        self.pair = [value for _, _, value in self.foreach_stack()]
        self.next(self.close)

    @step
    def close(self, inputs):
        self.pairs = [i.pair for i in inputs]
        self.next(self.all)

    @step
    def all(self, inputs):
        self.pairs = [pair for i in inputs for pair in i.pairs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    Iterables()
