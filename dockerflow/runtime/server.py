"""Run tasks, one at a time, as the scheduler sends them.

Between two tasks nothing of the first is left: its processes are gone, its folder is gone, its last line and then its
result are sent. In a container, what else it wrote is there for tasks of the same step only. When the scheduler goes
away (the stream ends, or SIGTERM), the running task is killed and nothing more is said.
"""

from __future__ import annotations

import os
import selectors
import signal
import sys
import time
from collections import deque
from dataclasses import replace
from typing import Any, Callable, Deque, NamedTuple, Optional, Tuple

from dockerflow.runtime import ending, memory, pids, processes, secret_files, time_limit
from dockerflow.runtime.attempt import Attempt, Run
from dockerflow.runtime.broker import Broker
from dockerflow.runtime.channel import Channel, private
from dockerflow.runtime.leftover_files import CODE, FOLDERS, LeftoverFiles
from dockerflow.runtime.messages import Answered, RunTask, TaskResult, from_json
from dockerflow.runtime.output import Output

_READ = 64 * 1024

# Status, and what `os.wait4` says about the resources used.
Exit = Tuple[int, Any]


class Ground(NamedTuple):
    """`work` is the folder below which each task gets one of its own; `pipe` is where the named pipe is made.

    `alone` says that there are no processes but ours and the first, as in a container. `outbox` is there when it is the
    worker's own, which the scheduler does not see.
    """

    work: str
    pipe: str
    alone: bool = False
    outbox: Optional[str] = None


class Server:
    """`broker` is there when the store is a bucket."""

    def __init__(self, channel: Channel, run: Run, ground: Ground, broker: Optional[Broker] = None) -> None:
        self._channel = channel
        self._run = run
        self._work = ground.work
        self._pipe = ground.pipe
        self._outbox = ground.outbox
        self._broker = broker
        self._waiting: Deque[RunTask] = deque()
        self._alone = ground.alone
        own = os.path.dirname(ground.pipe)
        folders = (ground.work, os.path.join(own, CODE), *FOLDERS)
        self._left = LeftoverFiles(folders, own, ground.outbox or own) if ground.alone else None
        self._step = ""  # of the last task
        self._number = 0
        self._open = True
        self._current: Optional[_Running] = None
        os.mkfifo(ground.pipe, 0o600)
        self._selector = selectors.DefaultSelector()
        self._selector.register(channel.incoming, selectors.EVENT_READ, self._receive)
        self._wake, self._waker = _wakeup()
        self._selector.register(self._wake, selectors.EVENT_READ, self._child_ended)
        if broker is not None:
            broker.listen(self._selector)
        processes.become_reaper()
        if not ground.alone:
            secret_files.sweep()
        # What the flow's import has started belongs to all tasks.
        self._spared = frozenset(processes.descendants())
        signal.signal(signal.SIGTERM, self._terminate)

    def serve(self) -> None:
        """Until the scheduler goes away."""
        while self._open:
            for key, _ in self._selector.select(self._current.due_in() if self._current else None):
                key.data()
            if self._current is not None:
                self._current.output.send_if_due()
                self._current.end_if_overdue()
                if self._current.exit is not None:
                    self._finish(self._current, self._current.exit)
            if self._current is None and self._waiting:
                self._begin(self._waiting.popleft())
        self._kill()

    def _receive(self) -> None:
        received = self._channel.receive()
        if received is None:
            self._open = False
        for message in received or ():
            if isinstance(message, RunTask):
                self._waiting.append(message)
            elif isinstance(message, Answered) and self._broker is not None:
                self._broker.answered(message)

    def _begin(self, task: RunTask) -> None:
        self._number += 1
        folder = os.path.join(self._work, "task-" + str(self._number))
        before = memory.kills(), pids.refusals()
        time_limit.STEP.clear()
        if self._left is not None and self._step not in ("", task.step):
            self._left.remove()
        self._step = task.step
        attempt = Attempt(task, self._run, folder, self._pipe, self._close_in_child)
        self._current = _Running(attempt, Output(task, self._channel.send), *before)
        for descriptor, read in self._current.readers:
            self._selector.register(descriptor, selectors.EVENT_READ, self._reading(descriptor, read))

    def _reading(self, descriptor: int, read: Callable[[bytes], None]) -> Callable[[], None]:
        def ready() -> None:
            received = os.read(descriptor, _READ)
            if received:
                read(received)
            else:
                self._selector.unregister(descriptor)

        return ready

    def _child_ended(self) -> None:
        """SIGCHLD: some child ended, the task's own or one that had lost its parent."""
        os.read(self._wake, _READ)
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if self._current is not None and pid == self._current.attempt.pid:
                self._current.exit = (status, usage)

    def _finish(self, running: _Running, end: Exit) -> None:
        seconds = time.monotonic() - running.began
        processes.kill_group(running.attempt.pid)
        if not self._end_what_is_left():
            sys.stderr.write(f"processes of task {running.attempt.task.task_id} do not die\n")
        for descriptor, read in running.readers:
            if descriptor in self._selector.get_map():
                self._selector.unregister(descriptor)
            _drain(descriptor, read)
        running.output.end()
        running.attempt.close()
        self._current = None
        result = running.outcome(end, seconds)
        self._channel.send(result if self._outbox is None else replace(result, asked=_asked(self._outbox)))

    def _end_what_is_left(self) -> bool:
        if self._alone and not self._spared:
            return processes.end_all_others()
        return processes.end_descendants(self._spared)

    def _close_in_child(self) -> None:
        self._selector.close()
        self._channel.close_in_child()
        if self._broker is not None:
            self._broker.close_in_child()
        os.close(self._wake)
        os.close(self._waker)

    def _kill(self) -> None:
        if self._current is not None and self._current.exit is None:
            processes.kill_group(self._current.attempt.pid)
        processes.end_all_others() if self._alone else processes.end_descendants()
        if self._current is not None:
            self._current.attempt.forget_secrets()

    def _terminate(self, number: int, frame: Any) -> None:
        """Also when the worker waits for a scheduler that does not read."""
        self._kill()
        os._exit(128 + number)


class _Running:
    """The attempt that runs now and what is known of it so far."""

    def __init__(self, attempt: Attempt, output: Output, kills: int, refusals: int) -> None:
        self.attempt = attempt
        self.output = output
        self.began = time.monotonic()
        self.exit: Optional[Exit] = None
        self._overdue: Optional[float] = None  # when the step is ended by force
        if attempt.task.time_limit:
            self._overdue = self.began + attempt.task.time_limit + attempt.task.grace
        self._forced = False
        self._kills = kills  # of the kernel for want of memory, before the attempt
        self._refusals = refusals  # of the kernel to make a process more, before the attempt
        self._result = bytearray()
        self.readers = [(attempt.result, self._result.extend)] + [
            (descriptor, self._feeding(stream)) for stream, descriptor in attempt.outputs.items()
        ]

    def _feeding(self, stream: str) -> Callable[[bytes], None]:
        return lambda received: self.output.feed(stream, received)

    def due_in(self) -> Optional[float]:
        """Seconds until there is something to do even if nothing is heard; None: nothing."""
        waits = [self.output.due_in(), None if self._overdue is None else max(0.0, self._overdue - time.monotonic())]
        return min((wait for wait in waits if wait is not None), default=None)

    def end_if_overdue(self) -> None:
        """Kill a step that did not end at its time limit. What it takes to keep its artifacts is not the step's."""
        if self._overdue is None or time.monotonic() < self._overdue:
            return
        left = time_limit.STEP.left(self.attempt.task.time_limit + self.attempt.task.grace)
        if left > 0:  # it began later than its process
            self._overdue = time.monotonic() + left
            return
        self._overdue = None
        if self.exit is None and not time_limit.STEP:
            self._forced = True
            processes.kill_group(self.attempt.pid)

    def outcome(self, end: Exit, seconds: float) -> TaskResult:
        status, usage = end
        result = self._returned() or self._failed(status)
        return replace(
            result,
            failure=None if result.failure is None else ending.clipped(result.failure),
            seconds=seconds,
            user_seconds=usage.ru_utime,
            system_seconds=usage.ru_stime,
            peak_memory=usage.ru_maxrss * 1024,
        )

    def _returned(self) -> Optional[TaskResult]:
        """The result that the process delivered, if it delivered the whole of it."""
        try:
            result: TaskResult = from_json(TaskResult, bytes(self._result))
        except ValueError:
            return None
        if result.failure is None or result.failure.hint:
            return result
        return replace(result, failure=replace(result.failure, hint=self._hint()))

    def _hint(self) -> str:
        """What the kernel refused the task, which its own failure need not say."""
        if self._out_of_memory():
            return "memory ran out, and the kernel killed a process of this task: " + ending.MORE_MEMORY
        return pids.hint() if pids.refusals() > self._refusals else ""

    def _failed(self, status: int) -> TaskResult:
        task = self.attempt.task
        if self._forced:
            failure = time_limit.forced(task.time_limit, task.grace)
            return TaskResult(task.step, task.task_id, task.attempt, ok=False, failure=failure)
        failure = ending.failure(status, self._out_of_memory(), memory.limit())
        return TaskResult(task.step, task.task_id, task.attempt, ok=False, failure=failure)

    def _out_of_memory(self) -> bool:
        return memory.kills() > self._kills


def _asked(outbox: str) -> Tuple[str, ...]:
    from dockerflow.store import asked_tags  # noqa: PLC0415 - most workers have no outbox of their own

    return asked_tags.take(outbox)


def _wakeup() -> Tuple[int, int]:
    """A pipe that becomes readable when a child ends."""
    reading, writing = os.pipe()
    wake, waker = private(reading), private(writing)
    os.close(reading)
    os.close(writing)
    os.set_blocking(wake, False)
    os.set_blocking(waker, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    return wake, waker


def _drain(descriptor: int, read: Callable[[bytes], None]) -> None:
    """Read what is still in a pipe. Somebody may hold its other end: then there is nothing more for now."""
    while True:
        try:
            received = os.read(descriptor, _READ)
        except BlockingIOError:
            return
        if not received:
            return
        read(received)
