from dockerflow import FlowSpec, catch, step


class CaughtForeach(FlowSpec):
    @step
    def start(self):
        self.xs = [1, 0, 2]
        self.next(self.divide, foreach="xs")

    @catch(var="failed", print_exception=False)
    @step
    def divide(self):
        self.result = 10 / self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.results = [None if i.failed else i.result for i in inputs]
        self.types = [i.failed and i.failed.type for i in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    CaughtForeach()
