from dockerflow import FlowSpec, step


class FailsAttribute(FlowSpec):
    @step
    def start(self):
        self.x = 1
        self.next(self.a, self.b)

    @step
    def a(self):
        self.next(self.join)

    @step
    def b(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.y = 2
        self.z = self.x
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    FailsAttribute()
