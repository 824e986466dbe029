from dockerflow import FlowSpec, step


class Mutation(FlowSpec):
    @step
    def start(self):
        self.log = ["start"]
        self.untouched = {"a": [1]}
        self.next(self.middle)

    @step
    def middle(self):
        self.log.append("middle")
        alias = self.untouched
        self.peek = alias["a"]
        self.next(self.x, self.y)

    @step
    def x(self):
        self.log.append("x")
        self.next(self.join)

    @step
    def y(self):
        self.log.append("y")
        self.next(self.join)

    @step
    def join(self, inputs):
        self.logs = [inputs.x.log, inputs.y.log]  # by name: Metaflow has them in the order in which they finished
        inputs.x.log.append("lost")
        self.next(self.end)

    @step
    def end(self):
        self.logs[0].append("end")


if __name__ == "__main__":
    Mutation()
