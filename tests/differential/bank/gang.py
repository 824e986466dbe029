"""The nodes of a gang, their numbers, and the join of them all."""

from dockerflow import FlowSpec, current, parallel, step


class Together(FlowSpec):
    @step
    def start(self):
        self.size = 3
        self.base = 7
        self.next(self.node, num_parallel=self.size)

    @parallel
    @step
    def node(self):
        gang = current.parallel
        self.seen = (gang.main_ip, gang.num_nodes, gang.node_index, current.is_parallel, current.retry_count)
        self.place = (self.input, self.index, self.foreach_stack(), str(self))
        self.passed_on = self.base + gang.node_index
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.order = [(each.seen, each.place, each.passed_on) for each in inputs]
        self.of_inputs = [(each.index, each.input, each.foreach_stack()) for each in inputs]
        self.merge_artifacts(inputs, include=["base"])
        self.outside = (self.index, self.input, self.foreach_stack(), current.get("is_parallel"))
        self.next(self.end)

    @step
    def end(self):
        self.last = self.base


if __name__ == "__main__":
    Together()
