"""A run as lines of text, for pipes, files and terminals that cannot do more.

One line per event, with local time and `run/step/task`, no control codes of ours, flushed after every batch, so that
what is in the file is what has happened. Users' lines pass through unchanged, both streams. When the reader goes away
(`| head`) the run goes on untold.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, singledispatchmethod
from types import TracebackType
from typing import TextIO

from dockerflow import progress
from dockerflow.cli import sentences, streams
from dockerflow.cli.picture import Picture, StepPicture, after
from dockerflow.cli.words import counted, duration, listed, size
from dockerflow.store import failures


class PlainView:
    """Give `notify` to whoever runs the flow, and `finish` when it has ended. `clock` gives seconds since the epoch."""

    def __init__(self, stream: TextIO, place: sentences.Place, clock: Callable[[], float] = time.time) -> None:
        self._stream = stream
        self._place = place
        self._clock = clock
        self._lock = threading.Lock()
        self._picture = Picture()
        self._closed = False

    def __enter__(self) -> PlainView:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        return None

    def notify(self, event: progress.Event) -> None:
        now = self._clock()
        with self._lock:
            self._picture = after(self._picture, event, now)
            self._write(self._lines(event, now))

    def finish(self) -> Picture:
        """Tell the result, what each step took, and how to read what the run left; returns the last picture."""
        with self._lock:
            self._write(summary(self._picture, self._place, self._clock()))
        return self._picture

    def _write(self, lines: Iterable[str]) -> None:
        text = "".join(f"{line}\n" for line in lines)
        if not text or self._closed:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError as error:
            if not streams.is_gone(error):
                raise
            self._closed = True
            streams.discard(self._stream)

    def _at(self, now: float, step: str = "", task: str = "") -> str:
        where = "/".join(word for word in (self._picture.run_id, step, task) if word)
        return f"{timestamp(now)} [{where}]" if where else timestamp(now)

    # ---- one method per kind of event

    @singledispatchmethod
    def _lines(self, event: progress.Event, now: float) -> Iterator[str]:
        yield from ()

    @_lines.register
    def _(self, event: progress.EnvironmentSolving, now: float) -> Iterator[str]:
        yield self._environment(now, event.steps, "solving")

    @_lines.register
    def _(self, event: progress.EnvironmentLocked, now: float) -> Iterator[str]:
        yield self._environment(now, event.steps, sentences.locked(event))

    @_lines.register
    def _(self, event: progress.LockPassedOver, now: float) -> Iterator[str]:
        yield self._environment(now, event.steps, sentences.passed_over(event))

    @_lines.register
    def _(self, event: progress.LayerMended, now: float) -> Iterator[str]:
        yield self._environment(now, event.steps, sentences.mended(event))

    @_lines.register
    def _(self, event: progress.ImagePulling, now: float) -> Iterator[str]:
        if not event.done:  # once: what comes by and by is for a terminal
            yield self._environment(now, event.steps, sentences.pulling(event))

    @_lines.register
    def _(self, event: progress.OwnImageReady, now: float) -> Iterator[str]:
        yield self._environment(now, event.steps, sentences.own_image(event))

    @_lines.register
    def _(self, event: progress.LayerReady, now: float) -> Iterator[str]:
        if not event.reused:
            yield self._environment(now, event.steps, f"layer built: {event.title}, {size(event.size)}")

    @_lines.register
    def _(self, event: progress.Noted, now: float) -> Iterator[str]:
        yield f"{timestamp(now)} {event.text}"

    @_lines.register
    def _(self, event: progress.CodePacked, now: float) -> Iterator[str]:
        if told := sentences.code(event):
            yield f"{timestamp(now)} {told}"

    @_lines.register
    def _(self, event: progress.ImageReady, now: float) -> Iterator[str]:
        yield self._environment(now, event.steps, f"{sentences.image(event)} ({event.reference})")

    @_lines.register
    def _(self, event: progress.RunBegan, now: float) -> Iterator[str]:
        told = sentences.environments(self._picture.environments.values())
        if told:
            yield f"{timestamp(now)} {told}"
        yield f"{self._at(now)} {sentences.run_began(event)}"

    @_lines.register
    def _(self, event: progress.TasksCreated, now: float) -> Iterator[str]:
        if event.count > 1:
            yield f"{self._at(now, event.step)} {counted(event.count, 'task')}"

    @_lines.register
    def _(self, event: progress.TasksTakenOver, now: float) -> Iterator[str]:
        if not event.cached:
            yield f"{self._at(now, event.step)} {counted(event.count, 'task')} reused"
        elif self._picture.steps[event.step].cached == event.count:  # once: they come one by one
            yield f"{self._at(now, event.step)} results are taken from the cache"

    @_lines.register
    def _(self, event: progress.TaskLookedUp, now: float) -> Iterator[str]:
        yield f"{self._at(now, event.step, event.task_id)} {sentences.looked_up(event)}"

    @_lines.register
    def _(self, event: progress.AttemptBegan, now: float) -> Iterator[str]:
        again = f", attempt {event.attempt}" if event.attempt else ""
        place = f" on `{event.host}`" if event.host else ""
        yield f"{self._at(now, event.step, event.task_id)} task begins{place}{again}"

    @_lines.register
    def _(self, event: progress.TaskPrinted, now: float) -> Iterator[str]:
        where = f"[{self._picture.run_id}/{event.step}/{event.task_id}]"
        for line in event.lines:
            yield f"{timestamp(line.time)} {where} {line.text}"

    @_lines.register
    def _(self, event: progress.AttemptEnded, now: float) -> Iterator[str]:
        yield f"{self._at(now, event.step, event.task_id)} {sentences.attempt_ended(event)}"
        if event.failure and not event.caught:
            yield from failures.text_lines(event.failure)

    @_lines.register
    def _(self, event: progress.RunEnded, now: float) -> Iterator[str]:
        yield f"{self._at(now)} {sentences.result(event)}"

    def _environment(self, now: float, steps: tuple[str, ...], text: str) -> str:
        return f"{timestamp(now)} [{listed(steps)}] {text}"


def summary(picture: Picture, place: sentences.Place, now: float) -> Iterator[str]:
    """What each step took and how to read the results, after a run; nothing when no run began."""
    if not picture.run_id:
        return
    yield ""
    width = max(map(len, picture.steps), default=0)
    for step in picture.steps.values():
        yield f"  {step.name:<{width}}  {_summed(step, now)}"
    yield ""
    environments = sentences.environments(picture.environments.values())
    for told in (sentences.resumed(picture), sentences.cached(picture), environments):
        if told:
            yield told
    for word, what in sentences.how_to_read(picture, place):
        yield f"{word + ':':<10} {what}"
    if picture.ended is not None and picture.ended.status == "failed":
        yield ""  # what failed is said below, on stderr


def _summed(step: StepPicture, now: float) -> str:
    if step.began is None:
        tasks = f"  {counted(step.done, 'task')}" if step.done else ""
        return f"{sentences.without_running(step):>12}{tasks}"
    said = (f"{duration(step.seconds(now)):>12}", sentences.counts(step), sentences.places(step), sentences.used(step))
    return "  ".join(filter(None, said))


@lru_cache(maxsize=64)
def timestamp(moment: float) -> str:
    """Local time with milliseconds: `2026-01-31 12:00:00.123`."""
    return f"{_to_the_second(int(moment))}.{int(moment * 1000) % 1000:03d}"


@lru_cache(maxsize=64)
def _to_the_second(moment: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))
