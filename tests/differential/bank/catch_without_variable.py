from dockerflow import FlowSpec, catch, step


class CatchWithoutVariable(FlowSpec):
    """What follows goes on with what was set before the failure."""

    @step
    def start(self):
        self.value = "old"
        self.next(self.middle)

    @catch(print_exception=False)
    @step
    def middle(self):
        self.value = "new"
        self.extra = [1]
        raise KeyError("gone")
        self.next(self.end)

    @step
    def end(self):
        print(self.value, self.extra)


if __name__ == "__main__":
    CatchWithoutVariable()
