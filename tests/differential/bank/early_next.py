from dockerflow import FlowSpec, step


class EarlyNext(FlowSpec):
    @step
    def start(self):
        self.x = 1
        if self.x:
            self.next(self.end)
            return
        self.next(self.end)

    @step
    def end(self):
        self.y = self.x


if __name__ == "__main__":
    EarlyNext()
