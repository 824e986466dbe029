"""Run a task in an interpreter of its own, which imports the flow anew.

For what does not survive a fork: a thread is not in the forked process, and what it was about to do is never done; an
open GPU is of no use there. The task's process is forked as ever, and then becomes another Python (`exec`), so its
limits, streams and end are those of every task. It gets the task over a file in memory that nobody else can open, since
there may be secrets in it.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from typing import Any, List, NamedTuple, Optional

from dockerflow.runtime import program_end, secret_files, time_limit
from dockerflow.runtime.channel import prepare_streams
from dockerflow.runtime.messages import Answered, RunTask, TaskResult, encode, read
from dockerflow.store.s3 import line
from dockerflow.store.s3.access import Access, Answer

__all__ = ["Granted", "Interpreter", "main", "unforkable"]

# What the new interpreter begins with, as `bootstrap` does; its arguments are ours.
_TEXT = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from dockerflow.runtime.fresh import main; main()"

# Devices of a GPU: https://docs.nvidia.com/datacenter/cloud-native and https://rocm.docs.amd.com name them.
_GPUS = ("/dev/nvidia", "/dev/kfd")

# How long a thread that was waited for may still be there, in seconds: it lets go of Python a moment before it ends.
_ENDING = 0.2


class Granted(NamedTuple):
    """What a task's own process needs of the worker's `Broker`."""

    path: str
    access: Optional[Access]


class Interpreter:
    """Made before the flow is imported: what the import changes of path and environment, it does once more."""

    def __init__(self, place: Any) -> None:
        self._place = place
        self._path = list(sys.path)
        self._environment = dict(os.environ)
        time_limit.STEP.share(_step_file(place.private))

    def become(self, task: RunTask, granted: Optional[Granted]) -> TaskResult:
        """In the task's process: does not return, unless the interpreter cannot be started."""
        time_limit.STEP.prepare()
        handed = _in_memory(encode(task) + (encode(Answered(0, Answer(access=granted.access))) if granted else b""))
        given = [json.dumps(self._path), json.dumps([self._place, str(handed), granted.path if granted else ""])]
        kept = {name: os.environ[name] for name in (line.VARIABLE, secret_files.FOLDER) if name in os.environ}
        os.execve(sys.executable, [sys.executable, "-c", _TEXT, *given], {**self._environment, **kept})
        raise AssertionError("exec returns by an exception only")


def main() -> None:
    """Be the task. Does not return."""
    from dockerflow.runtime import attempt, worker  # noqa: PLC0415 - they import this module

    fields, handed, broker = json.loads(sys.argv[2])
    place = worker.Place(*fields)
    folder = os.getcwd()
    task, granted = _handed(int(handed), broker)
    time_limit.STEP.share(_step_file(place.private))
    prepare_streams()
    sys.dont_write_bytecode = True

    def run(task: RunTask) -> TaskResult:
        try:
            run_loaded = worker.load_for_task(place, granted)
        except BaseException as error:  # noqa: BLE001 - whatever a user's module raises, SystemExit too
            failure = worker.failure_of_import(error)
            return TaskResult(task.step, task.task_id, task.attempt, ok=False, failure=failure)
        finally:
            os.chdir(folder)
        time_limit.STEP.clear()
        program_end.begin()
        return run_loaded(task)

    attempt.run_and_deliver(task, run, os.path.join(place.private, "result"))


def unforkable() -> str:
    """What is here that would not survive a fork, in words; empty: nothing.

    Some libraries end their threads right before a fork and start them again when they are wanted, as numpy's linear
    algebra does. So it is after a fork that threads are counted.
    """
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    threads = _other_threads()
    if threads:
        return f"{threads} thread{'s' if threads > 1 else ''}"
    return "an open GPU" if any(path.startswith(_GPUS) for path in _open_files()) else ""


def _other_threads() -> int:
    """How many there are that do not end by themselves."""
    deadline = time.monotonic() + _ENDING
    while True:
        threads = len(os.listdir("/proc/self/task")) - 1
        if not threads or time.monotonic() > deadline:
            return threads
        time.sleep(0.002)


def _open_files() -> List[str]:
    found = []
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # it was that of the listing
            found.append(os.readlink("/proc/self/fd/" + name))
    return found


def _step_file(private: str) -> str:
    return os.path.join(private, "step")


def _handed(descriptor: int, broker: str) -> Any:
    with open(descriptor, "rb") as stream:
        stream.seek(0)
        task, answered = read(stream), read(stream)
    access = answered.answer.access if isinstance(answered, Answered) else None
    return task, Granted(broker, access) if broker else None


def _in_memory(content: bytes) -> int:
    """A descriptor, for a program that this process becomes, of a file without a name."""
    if hasattr(os, "memfd_create"):
        descriptor: int = os.memfd_create("dockerflow-task", 0)
    else:  # Python 3.7
        import tempfile  # noqa: PLC0415 - of no use where there are files in memory

        memory = secret_files.place(os.getcwd())
        with tempfile.TemporaryFile(dir=os.path.dirname(memory)) as file:
            descriptor = os.dup(file.fileno())
        os.set_inheritable(descriptor, True)
    with open(descriptor, "wb", closefd=False) as stream:
        stream.write(content)
    return descriptor
