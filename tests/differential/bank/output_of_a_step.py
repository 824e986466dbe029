"""Whose output is in a task's log: the import's, that of child processes, native code and threads, and what has no end."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from dockerflow import FlowSpec, step

print("imported")
print("imported, to stderr", file=sys.stderr)


def late(text):
    threading.main_thread().join(0.3)
    print(text, flush=True)


class OutputOfAStep(FlowSpec):
    @step
    def start(self):
        print("hé ✓")
        subprocess.run("echo of a child; echo to stderr >&2", shell=True, check=True)
        os.write(1, b"of native code\n")
        print("")
        print("  spaces  ")
        ThreadPoolExecutor(1).submit(late, "late")
        self.next(self.end)

    @step
    def end(self):
        atexit.register(print, "at exit", flush=True)
        print("no end", end="", flush=True)


if __name__ == "__main__":
    OutputOfAStep()
