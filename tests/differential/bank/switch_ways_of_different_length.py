from dockerflow import FlowSpec, step


class SwitchWaysOfDifferentLength(FlowSpec):
    """In a branch, a short and a long way to the step before the join."""

    @step
    def start(self):
        self.next(self.quick, self.slow)

    @step
    def quick(self):
        self.value = 1
        self.skip = "no"
        self.next({"yes": self.before, "no": self.more}, condition="skip")

    @step
    def more(self):
        self.value = 2
        self.next(self.even_more)

    @step
    def even_more(self):
        self.value *= 3
        self.next(self.before)

    @step
    def before(self):
        self.next(self.join)

    @step
    def slow(self):
        self.value = 3
        self.next(self.join)

    @step
    def join(self, inputs):
        self.values = [inputs.before.value, inputs.slow.value]
        self.next(self.end)

    @step
    def end(self):
        print(self.values)


if __name__ == "__main__":
    SwitchWaysOfDifferentLength()
