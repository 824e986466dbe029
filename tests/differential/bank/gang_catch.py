"""A failure of a node that is not the first is caught where it happens."""

from dockerflow import FlowSpec, catch, current, parallel, step


class GangCatch(FlowSpec):
    @step
    def start(self):
        self.next(self.node, num_parallel=3)

    @catch(var="failure", print_exception=False)
    @parallel
    @step
    def node(self):
        self.number = current.parallel.node_index
        if self.number == 1:
            raise ValueError("no")
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.numbers = [each.number for each in inputs]
        self.failed = [each.failure is not None for each in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    GangCatch()
