"""What a task says that waits for its threads."""

from __future__ import annotations

import subprocess
import sys

# The thread goes on until the line about it is written.
WAITING = """
import sys, threading
from dockerflow.runtime import program_end

class Told:
    def write(self, text):
        sys.__stdout__.write(text)
        told.set()
    def flush(self):
        sys.__stdout__.flush()

told = threading.Event()
sys.stderr = Told()
program_end.PATIENCE = 0.0
program_end.begin()
threading.Thread(target=told.wait, name="loader").start()
program_end.end()
"""


def test_a_thread_that_is_waited_for_is_named() -> None:
    ended = subprocess.run([sys.executable, "-c", WAITING], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout == "the step has ended, and its task waits for its threads: loader\n"
    assert ended.stderr == ""
