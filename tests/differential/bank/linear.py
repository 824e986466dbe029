from dockerflow import FlowSpec, step


class Linear(FlowSpec):
    @step
    def start(self):
        self.x = 1
        self.name_of_flow = self.name
        self.next(self.middle)

    @step
    def middle(self):
        self.y = self.x + 1
        self._private = "kept"
        self.next(self.end)

    @step
    def end(self):
        self.seen = (self.x, self.y, self._private)


if __name__ == "__main__":
    Linear()
