from dockerflow import FlowSpec, Parameter, step


class Base(FlowSpec):
    size = Parameter("size", default=2)
    FACTOR = 3

    @step
    def start(self):
        self.x = self.compute(self.size)
        self.next(self.finish)

    def compute(self, n):
        return n * self.FACTOR


class Inheritance(Base):
    FACTOR = 5

    @step
    def finish(self):
        self.y = self.compute(self.x)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    Inheritance()
