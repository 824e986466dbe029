from dockerflow import FlowSpec, step


class Properties(FlowSpec):
    """Methods, properties and functions of the class are used, not kept."""

    rate = 3

    @property
    def double(self):
        return self.value * 2

    @staticmethod
    def half(number):
        return number / 2

    @classmethod
    def named(cls):
        return cls.__name__

    def tripled(self):
        return self.value * self.rate

    @step
    def start(self):
        self.value = 4
        self.all = (self.double, self.half(self.value), self.named(), self.tripled())
        self.next(self.end)

    @step
    def end(self):
        self.value = 5
        self.again = (self.double, self.tripled())


if __name__ == "__main__":
    Properties()
