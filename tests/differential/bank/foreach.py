from dockerflow import FlowSpec, step


class Foreach(FlowSpec):
    @step
    def start(self):
        self.items = ["a", "b", "c"]
        self.next(self.work, foreach="items")

    @step
    def work(self):
        self.got = (self.index, self.input)
        self.stack = self.foreach_stack()
        self.next(self.join)

    @step
    def join(self, inputs):
        self.all = [i.got for i in inputs]
        self.second = inputs[1].got
        self.of_inputs = [(i.index, i.input, i.foreach_stack()) for i in inputs]
        self.outside = (self.index, self.input, self.foreach_stack())
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    Foreach()
