import threading

from dockerflow import FlowSpec, step


class FailsUnpicklable(FlowSpec):
    """An artifact that cannot be kept fails its task."""

    @step
    def start(self):
        self.fine = 1
        self.lock = threading.Lock()
        print("printed")
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    FailsUnpicklable()
