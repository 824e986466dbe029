from dockerflow import FlowSpec, step


class FailsNextTwice(FlowSpec):
    @step
    def start(self):
        self.x = 1
        self.next(self.end)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    FailsNextTwice()
