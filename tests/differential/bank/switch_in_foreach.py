from dockerflow import FlowSpec, step


class SwitchInForeach(FlowSpec):
    """Each task of a foreach goes its own way."""

    @step
    def start(self):
        self.numbers = [1, 2, 3, 4]
        self.next(self.each, foreach="numbers")

    @step
    def each(self):
        self.parity = "odd" if self.input % 2 else "even"
        self.next({"odd": self.odd, "even": self.even}, condition="parity")

    @step
    def odd(self):
        self.value = -self.input
        self.next(self.on)

    @step
    def even(self):
        self.value = self.input * 10
        self.next(self.on)

    @step
    def on(self):
        self.seen = (self.index, self.value)
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.seen = [i.seen for i in inputs]
        self.next(self.end)

    @step
    def end(self):
        print(self.seen)


if __name__ == "__main__":
    SwitchInForeach()
