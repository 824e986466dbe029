"""A view in a thread of its own: a terminal or a pipe that nobody reads holds up no run.

A reader who is slow is waited for by the tasks that print, and by nobody else: what a worker printed and is not shown
yet is held here, and of that there is a limit for each worker (see `engines.listener`). One who stands still, as after
Ctrl-S, is waited for by no task: what is printed meanwhile is kept up to a limit, in order; what is more is left out,
and a line in its place says how much that is. It is in the logs, which do not depend on who watches.

All else that happens is kept whatever its size, which is that of the run itself. At its end the run waits until
everything is shown. If it was stopped, or Ctrl-C says that nobody wants to know, it waits only for who reads.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from functools import partial
from types import TracebackType
from typing import Protocol

from dockerflow import progress
from dockerflow.cli import streams
from dockerflow.cli.picture import Picture
from dockerflow.errors import DockerflowError
from dockerflow.lazy_dataclasses import dataclass

# After so long without anything being shown nobody waits for the reader any more, in seconds.
STILL = 1.0

# So long the end of a run that was stopped waits for a reader who stands still, in seconds.
LAST = 2.0

# What is kept of what tasks print while the reader stands still, in bytes, and what a line takes besides its text.
KEEP = 16 << 20
LINE = 150


class View(AbstractContextManager["View"], Protocol):
    """Someone who watches a run and tells the user: `PlainView`, `QuietView` or `LiveView`."""

    @property
    def notify(self) -> progress.Notify: ...

    def finish(self) -> Picture: ...


@dataclass
class _Printed:
    """`source` is what the lines came in, until they are `kept`: from then on their worker does not wait for us."""

    event: progress.TaskPrinted
    source: object
    size: int
    kept: bool = False


@dataclass
class _LeftOut:
    lines: int = 0

    def event(self) -> progress.Noted:
        what = f"{self.lines:,} lines that tasks printed are left out here, since nobody read them: the logs have them"
        return progress.Noted(what)


Entry = progress.Event | _Printed | _LeftOut


class Apart:
    """Shows by `view`, of which all but its beginning happens in one thread. `notify` never waits."""

    def __init__(
        self,
        view: View,
        still: float = STILL,
        keep: int = KEEP,
        last: float = LAST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._view, self._still, self._limit, self._last, self._clock = view, still, keep, last, clock
        self._streams = sys.stdout, sys.stderr
        self._changed = threading.Condition()  # guards what follows
        self._waiting: deque[Entry] = deque()
        self._waited_for = False  # whether some of it is not kept yet, so that tasks may wait for it
        self._kept = 0  # bytes, of what is kept
        self._gap: _LeftOut | None = None  # what is printed now goes there
        self._held: object = None  # the source of what is shown now
        self._since: float | None = None  # when the view was given what it shows now
        self._end: Callable[[], None] | None = None  # the last that the view does
        self._stopped = False
        self._picture = Picture()
        self._error: BaseException | None = None
        self._over = threading.Event()

    def __enter__(self) -> Apart:
        self._view.__enter__()
        for job in (self._show_all, self._watch):
            threading.Thread(target=job, name="show", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """A second Ctrl-C while this waits is raised here."""
        patient = error is None or isinstance(error, Exception)

        def end() -> None:
            self._view.__exit__(kind, error, at)

        self._close(end, patient)

    def notify(self, event: progress.Event) -> None:
        with self._changed:
            if isinstance(event, progress.TaskPrinted):
                self._add(_Printed(event, event.source(), _size(event)))
            else:
                self._waiting.append(event)
            self._stopped |= isinstance(event, progress.RunEnded) and event.status == "stopped"
            self._changed.notify()

    def finish(self) -> Picture:
        """Show all that waits, and the end; the last picture, or an empty one if the run was stopped and nobody reads.
        Raises DockerflowError where it could not be written."""
        self._close(self._finish, patient=not self._stopped)
        if isinstance(self._error, OSError):
            hint = "it went on to its end all the same; `dockerflow runs list` shows how a run ended"
            raise DockerflowError(f"what happened could not be told: {self._error.strerror}", hint) from self._error
        if self._error is not None:
            raise self._error
        return self._picture

    # ---- the end

    def _finish(self) -> None:
        self._picture = self._view.finish()
        self._view.__exit__(None, None, None)

    def _close(self, end: Callable[[], None], patient: bool) -> None:
        if self._over.is_set():
            return
        with self._changed:
            self._end = self._end or end
            self._changed.notify()
        if patient:
            self._over.wait()
        while not self._over.wait(self._still / 10):
            if self._stands_still(self._last):
                self._leave()

    def _leave(self) -> None:
        """The thread stays behind: whatever it waits for, it does so without a lock that the end of Python needs. What
        is yet to be said goes nowhere: the same reader would be waited for."""
        self._over.set()
        sys.stdout, sys.stderr = self._streams  # a view may have put others in their place
        if os.path.sameopenfile(sys.stdout.fileno(), sys.stderr.fileno()):
            streams.discard(sys.stderr)
        streams.discard(sys.stdout)

    # ---- in the thread that shows

    def _show_all(self) -> None:
        while (event := self._next()) is not None:
            self._carefully(partial(self._view.notify, event))
        if self._end is not None:
            self._carefully(self._end)
        if self._error is not None:
            with suppress(Exception):  # the first error is told
                self._view.__exit__(None, None, None)
        self._over.set()

    def _next(self) -> progress.Event | None:
        """None when there will be no more."""
        with self._changed:
            self._held = self._since = None
            while not self._waiting and self._end is None:
                self._changed.wait()
            self._since = self._clock()
            return self._taken(self._waiting.popleft()) if self._waiting else None

    def _taken(self, entry: Entry) -> progress.Event:
        if isinstance(entry, _LeftOut):
            self._gap = None if entry is self._gap else self._gap
            return entry.event()
        if isinstance(entry, _Printed):
            self._kept -= entry.size * entry.kept
            self._held = entry.source
            return entry.event
        return entry

    def _carefully(self, job: Callable[[], None]) -> None:
        """A view that fails ends no run: it is given nothing more, and `finish` tells."""
        try:
            if self._error is None:
                job()
        except BaseException as error:  # noqa: BLE001 - raised where the run has ended
            self._error = error

    # ---- what waits

    def _stands_still(self, seconds: float) -> bool:
        since = self._since
        return since is not None and self._clock() - since >= seconds

    def _watch(self) -> None:
        while not self._over.wait(self._still):
            with self._changed:
                if self._stands_still(self._still):
                    self._let_go()

    def _add(self, entry: _Printed) -> None:
        if self._stands_still(self._still):
            self._let_go()  # what came before has its place before
            self._keep(entry)
        else:
            self._waiting.append(entry)
            self._waited_for, self._gap = True, None

    def _let_go(self) -> None:
        """Nobody waits any more for what waits to be shown."""
        self._held = None
        if not self._waited_for:
            return
        self._waited_for = False
        waiting, self._waiting = self._waiting, deque()
        for entry in waiting:
            if isinstance(entry, _Printed) and not entry.kept:
                self._keep(entry)
            else:
                self._waiting.append(entry)

    def _keep(self, entry: _Printed) -> None:
        """Once something is left out, so is all that follows until the reader goes on: one line says so."""
        if self._gap is None and self._kept + entry.size <= self._limit:
            entry.source, entry.kept = None, True
            self._kept += entry.size
            self._waiting.append(entry)
            return
        if self._gap is None:
            self._gap = _LeftOut()
            self._waiting.append(self._gap)
        self._gap.lines += len(entry.event.lines)


def _size(event: progress.TaskPrinted) -> int:
    return sum(len(line.text) for line in event.lines) + LINE * len(event.lines)
