from dockerflow import FlowSpec, step


class JoinInputs(FlowSpec):
    """What can be asked of the inputs of a join."""

    @step
    def start(self):
        self.common = 1
        self.next(self.one, self.two)

    @step
    def one(self):
        self.value = 1
        self.next(self.join)

    @step
    def two(self):
        self.value = 2
        self.next(self.join)

    @step
    def join(self, inputs):
        self.by_name = (inputs.one.value, inputs.two.value)
        self.by_number = inputs[0].value + inputs[1].value
        self.iterated = sorted(i.value for i in inputs)
        self.count = len(list(inputs))
        self.twice = sum(i.common for i in inputs) + sum(i.common for i in inputs)
        self.has = (hasattr(inputs.one, "value"), hasattr(inputs.one, "missing"), hasattr(inputs, "three"))
        try:
            inputs.one.missing
        except AttributeError:
            self.missing = "AttributeError"
        self.inherited = hasattr(self, "common")
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    JoinInputs()
