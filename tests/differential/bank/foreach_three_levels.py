from dockerflow import FlowSpec, current, step


class ForeachThreeLevels(FlowSpec):
    """Foreach in foreach in foreach: stacks, numbers, joins inside of the outer ones."""

    @step
    def start(self):
        self.letters = ["a", "b"]
        self.next(self.letter, foreach="letters")

    @step
    def letter(self):
        self.numbers = range(1, 3)
        self.next(self.number, foreach="numbers")

    @step
    def number(self):
        self.flags = [True, False]
        self.next(self.flag, foreach="flags")

    @step
    def flag(self):
        self.stack = self.foreach_stack()
        self.word = "".join(str(value)[0] for _, _, value in self.stack)
        print(current.step_name, self.index, self.input)
        self.next(self.join_flags)

    @step
    def join_flags(self, inputs):
        self.words = [i.word for i in inputs]
        self.stack = self.foreach_stack()
        self.next(self.join_numbers)

    @step
    def join_numbers(self, inputs):
        self.words = [i.words for i in inputs]
        self.here = (self.index, self.input)
        self.next(self.join_letters)

    @step
    def join_letters(self, inputs):
        self.words = [i.words for i in inputs]
        self.places = [i.here for i in inputs]
        self.stack = self.foreach_stack()
        self.next(self.end)

    @step
    def end(self):
        print(self.words)


if __name__ == "__main__":
    ForeachThreeLevels()
