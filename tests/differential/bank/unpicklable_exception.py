import threading

from dockerflow import FlowSpec, catch, step


class Held(Exception):
    """It holds what cannot be pickled."""

    def __init__(self, text):
        super().__init__(text, threading.Lock())
        self.text = text

    def __str__(self):
        return f"held: {self.text}"


class UnpicklableException(FlowSpec):
    """`@catch` keeps type and text of an exception that cannot be pickled."""

    @catch(var="failed", print_exception=False)
    @step
    def start(self):
        self.before = 1
        raise Held("tight")
        self.next(self.end)

    @step
    def end(self):
        self.told = (self.failed.type.rpartition(".")[2], self.failed.exception, self.before)


if __name__ == "__main__":
    UnpicklableException()
