from dockerflow import FlowSpec, step


class SwitchNumber(FlowSpec):
    """By a number, by a truth value."""

    @step
    def start(self):
        self.number = 2
        self.next({1: self.one, 2: self.two}, condition="number")

    @step
    def one(self):
        self.next(self.judge)

    @step
    def two(self):
        self.next(self.judge)

    @step
    def judge(self):
        self.good = self.number > 1
        self.next({True: self.yes, False: self.no}, condition="good")

    @step
    def yes(self):
        self.word = "yes"
        self.next(self.end)

    @step
    def no(self):
        self.word = "no"
        self.next(self.end)

    @step
    def end(self):
        print(self.word)


if __name__ == "__main__":
    SwitchNumber()
