"""A gang for each item of a foreach."""

from dockerflow import FlowSpec, current, parallel, step


class GangInForeach(FlowSpec):
    @step
    def start(self):
        self.letters = ["a", "b"]
        self.next(self.letter, foreach="letters")

    @step
    def letter(self):
        self.mine = self.input
        self.next(self.node, num_parallel=1 + self.index)

    @parallel
    @step
    def node(self):
        self.place = (self.input, self.index, self.foreach_stack(), self.mine, current.parallel.num_nodes)
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.places = [each.place for each in inputs]
        self.place = self.index
        self.next(self.join)

    @step
    def join(self, inputs):
        self.all = [(each.places, each.place) for each in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    GangInForeach()
