from __future__ import annotations

from pathlib import Path

import pytest

HELLO = '''
import sys

from dockerflow import FlowSpec, Parameter, catch, conda_base, retry, step


@conda_base(python="3.11")
class Hello(FlowSpec):
    """Greet a few people."""

    people = Parameter("people", type=int, default=2, help="How many people.")
    greet_with = Parameter("greet_with", default="hello")
    fail = Parameter("fail", type=bool, default=False)

    @step
    def start(self):
        """Find them."""
        print("this is stdout, ünïcode")
        print("this is stderr", file=sys.stderr)
        self.numbers = list(range(self.people))
        self.next(self.greet, foreach="numbers")

    @step
    def greet(self):
        self.greeting = f"{self.greet_with} {self.input}"
        print(self.greeting)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.greetings = [task.greeting for task in inputs]
        if self.fail:
            raise ValueError("asked to fail")
        self.next(self.end)

    @step
    def end(self):
        pass
'''


def project(folder: Path) -> Path:
    """A flow in `hello.py` and a store of its own, in `folder`."""
    (folder / "hello.py").write_text(HELLO)
    (folder / ".dockerflow").mkdir()
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A new project."""
    return project(tmp_path)
