from dockerflow import FlowSpec, step


class ClassConstants(FlowSpec):
    LIMIT = 10
    table = {"a": 1}
    _hidden = "class"

    @property
    def doubled(self):
        return self.LIMIT * 2

    @staticmethod
    def helper(x):
        return x + 1

    @step
    def start(self):
        try:
            self.LIMIT = 3
        except AttributeError:
            self.read_only = True
        self.value = self.helper(self.doubled)
        self.next(self.a, self.b)

    @step
    def a(self):
        self.seen = self.table["a"]
        self.next(self.join)

    @step
    def b(self):
        self.seen = self._hidden
        self.next(self.join)

    @step
    def join(self, inputs):
        self.here = (self.LIMIT, self.table, inputs[0].LIMIT)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    ClassConstants()
