from dockerflow import FlowSpec, current, retry, step


class ClientFlow(FlowSpec):
    @step
    def start(self):
        self.numbers = [0, 1]
        self.next(self.each, foreach="numbers")

    @step
    def each(self):
        print("hello from", self.input)
        self.x = self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(each.x for each in inputs)
        self.next(self.retried)

    @retry(times=1, minutes_between_retries=0)
    @step
    def retried(self):
        self.number = current.retry_count
        print("attempt", self.number)
        if current.retry_count == 0:
            raise ValueError("only the second goes well")
        self.next(self.last)

    @step
    def last(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    ClientFlow()
