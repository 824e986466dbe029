from dockerflow import FlowSpec, step


class DeepInput(FlowSpec):
    @step
    def start(self):
        self.words = ["one", "two"]
        self.next(self.a, foreach="words")

    @step
    def a(self):
        self.at_a = self.input
        self.next(self.b)

    @step
    def b(self):
        self.at_b = (self.input, self.index)
        self.next(self.c)

    @step
    def c(self):
        self.at_c = (self.input, self.index, self.foreach_stack())
        self.next(self.join)

    @step
    def join(self, inputs):
        self.all = [(i.at_a, i.at_b, i.at_c) for i in inputs]
        self.merge_artifacts(inputs, include=["words"])
        self.next(self.end)

    @step
    def end(self):
        self.again = list(self.words)


if __name__ == "__main__":
    DeepInput()
