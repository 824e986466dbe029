"""One attempt of a task in a process of its own, forked from the worker which has imported the flow.

Whatever the user's code does (close descriptors, write to all of them, crash, fork, start threads), the worker learns
how it ended: the result does not come over a descriptor that the code could touch, but over a named pipe that is
opened when the code is done (see `program_end`). The process then ends at once, so that no exit handler or thread of
the user's acts after the result is known.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from contextlib import suppress
from typing import Callable, Dict, List, Tuple

from dockerflow.runtime import memory, processes, program_end, secret_files
from dockerflow.runtime.channel import private, write
from dockerflow.runtime.messages import RunTask, TaskResult, to_json

Run = Callable[[RunTask], TaskResult]

_NOT_OURS = (signal.SIGTERM, signal.SIGCHLD)


class Attempt:
    """A forked process and what it is read by: `outputs` by stream, and `result`, all non-blocking."""

    def __init__(self, task: RunTask, run: Run, folder: str, pipe: str, close_in_child: Callable[[], None]) -> None:
        self.task = task
        self.folder = folder
        self._secrets = secret_files.place(folder)
        self.result = private_open(pipe)
        self.outputs, ends = _pipes()
        os.mkdir(folder)
        _flush()
        self.pid = os.fork()
        if self.pid == 0:
            close_in_child()
            for descriptor in (self.result, *self.outputs.values()):
                os.close(descriptor)
            if task.secrets:
                os.environ[secret_files.FOLDER] = self._secrets
            _be_the_task(task, run, folder, pipe, ends)
        for end in ends:
            os.close(end)

    @property
    def descriptors(self) -> List[int]:
        return [self.result, *self.outputs.values()]

    def close(self) -> None:
        """Let go of what the worker reads. The process must have ended."""
        for descriptor in self.descriptors:
            os.close(descriptor)
        self.forget_secrets()
        _remove(self.folder)

    def forget_secrets(self) -> None:
        if self.task.secrets:
            secret_files.remove(self._secrets)


def _pipes() -> Tuple[Dict[str, int], Tuple[int, int]]:
    """What the worker reads, by stream, and what the task's process writes to."""
    outputs, ends = {}, []
    for stream in ("stdout", "stderr"):
        reading, writing = os.pipe()
        outputs[stream] = private(reading)
        os.close(reading)
        os.set_blocking(outputs[stream], False)
        ends.append(private(writing))
        os.close(writing)
    return outputs, (ends[0], ends[1])


def private_open(pipe: str) -> int:
    """The reading end of a named pipe. It does not wait for a writer."""
    descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    moved = private(descriptor)
    os.close(descriptor)
    return moved


def _be_the_task(task: RunTask, run: Run, folder: str, pipe: str, ends: Tuple[int, int]) -> None:
    """What happens in the child. Does not return."""
    try:
        processes.die_with_parent()
        os.setsid()
        _reset_signals()
        processes.show_again()  # the worker's descriptors are closed by now
        memory.volunteer()
        program_end.begin()
        for target, end in zip((1, 2), ends):
            os.dup2(end, target)
            os.close(end)
        os.chdir(folder)
        run_and_deliver(task, run, pipe)
    except BaseException:  # noqa: BLE001 - nothing may pass: above us is the worker's own code
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(1)


def run_and_deliver(task: RunTask, run: Run, pipe: str) -> None:
    """In a process that is the task's alone. Does not return."""
    status = 1
    try:
        _enable_crash_report()
        result = run(task)
        program_end.end(result.ok)
        _flush()
        _deliver(result, pipe)
        status = 0
    except BaseException:  # noqa: BLE001 - nothing may pass: above us is code that is not the task's
        sys.excepthook(*sys.exc_info())
        _flush()
    finally:
        os._exit(status)


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in _NOT_OURS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _enable_crash_report() -> None:
    """Have the lines of Python printed that led to a crash in native code."""
    faulthandler.enable(2)


def _deliver(result: TaskResult, pipe: str) -> None:
    descriptor = os.open(pipe, os.O_WRONLY)
    write(descriptor, to_json(result).encode())
    os.close(descriptor)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        with suppress(AttributeError, OSError, ValueError):  # closed or replaced by the user
            stream.flush()  # type: ignore[union-attr]


def _remove(folder: str) -> None:
    try:
        os.rmdir(folder)
    except OSError:
        import shutil  # noqa: PLC0415 - most tasks leave their folder empty

        with suppress(RecursionError):  # thousands of folders inside each other; the result is to be sent nevertheless
            shutil.rmtree(folder, ignore_errors=True)
