"""A run on a terminal: a picture that is kept up to date, with the users' lines scrolling above it.

`notify` only folds the event and keeps its lines; one thread paints, at most ten times a second, so that a flow
that prints or finishes tasks by the thousand is not slowed down by being watched.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import singledispatchmethod
from types import TracebackType

from rich.console import Console, ConsoleOptions, Group
from rich.live import Live
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from dockerflow import progress
from dockerflow.cli import sentences, streams
from dockerflow.cli.board import STATES, Board, colour
from dockerflow.cli.picture import Picture, after, at_rest, is_stopped
from dockerflow.cli.words import listed
from dockerflow.store import failures

PAINT_EVERY = 0.1  # seconds
# Lines that wait to be painted, and their characters; more are painted at once, by whoever brought them.
KEEP_AT_MOST = 20_000
KEEP_TEXT = 4 << 20

# What a user's line may not do to the picture: any escape sequence but a colour, and any other control character.
CONTROLS = re.compile(
    r"\x1b\[[0-9;]*m"
    r"|(\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b.?|[\x00-\x08\x0a-\x1f\x7f-\x9f])"
)

Line = tuple[tuple[str, str], ...]  # (text, style) from left to right


class LiveView:
    """Use as a context manager around the run; `notify` from any thread, `finish` when the run has ended."""

    def __init__(self, console: Console, place: sentences.Place, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._place = place
        self._clock = clock
        self._lock = threading.Lock()  # guards picture and lines
        self._painting = threading.Lock()
        self._picture = Picture()
        self._lines: list[Line] = []
        self._size = 0  # of their text
        self._live = Live(console=console, auto_refresh=False, transient=True, vertical_overflow="crop")
        self._ended = threading.Event()
        self._painter = threading.Thread(target=self._paint_until_ended, name="paint", daemon=True)

    def __enter__(self) -> LiveView:
        self._live.start()
        self._painter.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._close()

    def notify(self, event: progress.Event) -> None:
        now = self._clock()
        with self._lock:
            self._picture = after(self._picture, event, now)
            told = list(self._told(event))
            self._lines += told
            self._size += sum(len(text) for line in told for text, _ in line)
            full = len(self._lines) > KEEP_AT_MOST or self._size > KEEP_TEXT
        if full:
            self._paint()

    def finish(self) -> Picture:
        """Replace the picture by its last state, and say where the results are; returns the last picture."""
        self._close()
        now = self._clock()
        board = self._board(height=10_000)
        picture = at_rest(self._picture)
        lines = [Text(), *board.steps(picture, now, board.height)] if picture.run_id else []
        with self._while_it_is_open():
            for line in lines:
                self._console.print(line)
            for line in self._ending(board):
                self._console.print(line, soft_wrap=True, highlight=False)
        return self._picture

    def _close(self) -> None:
        if self._ended.is_set():
            return
        self._ended.set()
        self._painter.join()
        self._paint()
        with self._while_it_is_open():
            self._live.stop()

    @contextmanager
    def _while_it_is_open(self) -> Iterator[None]:
        """A terminal that was closed takes nothing any more: the run goes on, or ends, untold."""
        try:
            yield
        except OSError as error:
            if not streams.is_gone(error):
                raise
            streams.discard(self._console.file)

    # ---- painting

    def _paint_until_ended(self) -> None:
        while not self._ended.wait(PAINT_EVERY):
            self._paint()

    def _paint(self) -> None:
        with self._painting:
            with self._lock:
                picture, lines, self._lines, self._size = self._picture, self._lines, [], 0
            self._live.update(Group(*self._board().lines(picture, self._clock())))
            with self._while_it_is_open(), self._console:  # one write for both: nothing flickers
                if lines:
                    self._console.print(_Printed(lines), end="", soft_wrap=True)
                self._live.refresh()

    def _board(self, height: int | None = None) -> Board:
        size = self._console.size
        return Board(size.width, height or max(2, size.height - 2), fine=not self._console.options.ascii_only)

    # ---- lines above the picture

    @singledispatchmethod
    def _told(self, event: progress.Event) -> Iterator[Line]:
        yield from ()

    @_told.register
    def _(self, event: progress.ImageReady) -> Iterator[Line]:
        environment = self._picture.environments[event.steps]
        lock = f"{sentences.locked(environment.locked)} · " if environment.locked else ""
        yield self._mark("done"), (listed(event.steps), "bold"), (f"  {lock}{sentences.image(event)}", "")

    @_told.register
    def _(self, event: progress.OwnImageReady) -> Iterator[Line]:
        yield self._mark("done"), (listed(event.steps), "bold"), (f"  {sentences.own_image(event)}", "")

    @_told.register
    def _(self, event: progress.LockPassedOver) -> Iterator[Line]:
        yield (listed(event.steps), "bold"), (f"  {sentences.passed_over(event)}", "yellow")

    @_told.register
    def _(self, event: progress.LayerMended) -> Iterator[Line]:
        yield (listed(event.steps), "bold"), (f"  {sentences.mended(event)}", "yellow")

    @_told.register
    def _(self, event: progress.Noted) -> Iterator[Line]:
        yield ((event.text, "yellow"),)

    @_told.register
    def _(self, event: progress.CodePacked) -> Iterator[Line]:
        if told := sentences.code(event):
            yield ((told, "yellow"),)

    @_told.register
    def _(self, event: progress.TaskPrinted) -> Iterator[Line]:
        prefix = self._prefix(event.step, event.task_id)
        for line in event.lines:
            yield prefix, (harmless(line.text), "")

    @_told.register
    def _(self, event: progress.AttemptEnded) -> Iterator[Line]:
        if event.ok:
            return
        style = "yellow" if event.caught or event.retry_in is not None or is_stopped(event) else "bold red"
        yield self._prefix(event.step, event.task_id), (sentences.attempt_ended(event), style)
        for line in failures.text_lines(event.failure) if event.failure and not event.caught else ():
            yield ((harmless(line), "red" if line.startswith("error: ") else ""),)

    @_told.register
    def _(self, event: progress.TaskLookedUp) -> Iterator[Line]:
        yield self._prefix(event.step, event.task_id), (sentences.looked_up(event), "green" if event.hit else "yellow")

    def _prefix(self, step: str, task_id: str) -> tuple[str, str]:
        return f"{step}/{task_id} ", colour(step, tuple(self._picture.steps))

    def _mark(self, state: str) -> tuple[str, str]:
        return f"{self._board().symbol(state)} ", STATES[state]

    # ---- the end

    def _ending(self, board: Board) -> Iterator[Text]:
        ended = self._picture.ended
        if ended is None:
            return
        state = "done" if ended.status == "succeeded" else "failed"
        environments = sentences.environments(self._picture.environments.values())
        yield Text()
        yield Text(f"{board.symbol(state)} {sentences.result(ended)}", STATES[state])
        for told in filter(None, (sentences.resumed(self._picture), sentences.cached(self._picture), environments)):
            yield Text(told, "dim")
        yield Text()
        for word, what in sentences.how_to_read(self._picture, self._place):
            yield Text.assemble((f"{word + ':':<11}", "dim"), what)
        if ended.status == "failed":
            yield Text()  # what failed is said below, on stderr


class _Printed:
    """Many short lines as one thing to print: rich's own way per line would cost ten times as much."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        styles: dict[str, Style] = {}
        for line in self._lines:
            for text, style in line:
                if style not in styles:
                    styles[style] = console.get_style(style) if style else Style.null()
                yield Segment(text, styles[style])
            yield Segment.line()


def harmless(text: str) -> str:
    """A user's line as it may stand on the terminal: colours stay, everything that moves the cursor goes."""
    if text.isprintable():
        return text
    text = text.rstrip("\r").rpartition("\r")[2].expandtabs()  # of a progress bar that redraws itself, the last state
    coloured = "\x1b[" in text
    cleaned = CONTROLS.sub(lambda found: "" if found[1] else found[0], text)
    return f"{cleaned}\x1b[0m" if coloured else cleaned
