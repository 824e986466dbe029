"""The last attempt counts: what earlier ones set is not seen, and `@catch` acts when all have failed."""

from __future__ import annotations

import os

from dockerflow import FlowSpec, catch, current, retry, step


class Unpicklable(Exception):
    def __init__(self, first, second):
        super().__init__("cannot be pickled")
        self.function = lambda: first


class RetryThenCatch(FlowSpec):
    @retry(times=2, minutes_between_retries=0)
    @step
    def start(self):
        print("attempt", current.retry_count)
        setattr(self, f"set_by_{current.retry_count}", True)
        self.tried = current.retry_count
        if current.retry_count < 2:
            raise ValueError(f"attempt {current.retry_count}")
        self.next(self.a, self.b, self.c)

    @catch(var="failed", print_exception=False)
    @retry(times=1, minutes_between_retries=0)
    @step
    def a(self):
        self.tried = current.retry_count
        raise KeyError("always")
        self.next(self.join)

    @catch(var="failed")
    @retry(times=0)
    @step
    def b(self):
        self.before = os.path.exists(".")
        try:
            1 / 0
        except ZeroDivisionError as error:
            raise ExceptionGroup("two", [error, ValueError("other")]) from error
        self.next(self.join)

    @catch(var="failed")
    @step
    def c(self):
        self.fine = True
        self.next(self.join)

    @step
    def join(self, inputs):
        self.kinds = inputs.a.failed.type, inputs.b.failed.type, inputs.c.failed
        self.texts = inputs.a.failed.exception, inputs.b.failed.exception
        self.kept = inputs.a.tried, inputs.b.before, inputs.c.fine
        self.failed = inputs.a.failed
        self.next(self.after)

    @catch(var="failed")
    @step
    def after(self):
        self.was = str(self.failed.type)
        raise Unpicklable(1, 2)
        self.next(self.end)

    @step
    def end(self):
        self.message = self.failed.exception


if __name__ == "__main__":
    RetryThenCatch()
