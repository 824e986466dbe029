from dockerflow import FlowSpec, step


class Branch(FlowSpec):
    @step
    def start(self):
        self.common = "common"
        self.next(self.zebra, self.apple, self.mango)

    @step
    def zebra(self):
        self.mine = "zebra"
        self.next(self.join)

    @step
    def apple(self):
        self.mine = "apple"
        self.next(self.join)

    @step
    def mango(self):
        self.mine = "mango"
        self.next(self.join)

    @step
    def join(self, inputs):
        self.by_name = [inputs.zebra.mine, inputs.apple.mine, inputs.mango.mine]
        self.all = sorted(i.mine for i in inputs)
        self.inherited = hasattr(self, "common")
        self.next(self.end)

    @step
    def end(self):
        self.last = self.inherited, hasattr(self, "mine")


if __name__ == "__main__":
    Branch()
