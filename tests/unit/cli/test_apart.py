"""What is shown of a run by a thread of its own, and in which order: the view is one that stands still when told to."""

from __future__ import annotations

import threading
from types import TracebackType

import pytest

from dockerflow import progress
from dockerflow.cli.apart import LINE, Apart
from dockerflow.cli.picture import Picture
from dockerflow.errors import DockerflowError
from dockerflow.store.records import LogLine

PATIENCE = 60.0
STILL = 1_000.0  # of the clock here: the one who looks whether somebody stands still does not come to it


class Stands:
    """Shows nothing until it `goes_on`. `error` is raised for all that it is given."""

    def __init__(self, error: Exception | None = None) -> None:
        self.shown: list[str] = []
        self.left = 0
        self.reached, self.goes_on = threading.Event(), threading.Event()
        self._error = error

    def __enter__(self) -> Stands:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.left += 1

    def notify(self, event: progress.Event) -> None:
        self.reached.set()
        assert self.goes_on.wait(PATIENCE)
        if self._error is not None:
            raise self._error
        if isinstance(event, progress.TaskPrinted):
            self.shown += [line.text for line in event.lines]
        elif isinstance(event, progress.Noted):
            self.shown.append(event.text)

    def finish(self) -> Picture:
        return Picture()


def printed(*texts: str) -> progress.TaskPrinted:
    return progress.TaskPrinted("s", "1", 0, tuple(LogLine(1.0, "stdout", text) for text in texts))


def test_of_what_is_not_shown_the_first_is_kept_and_a_line_stands_where_the_rest_would_be() -> None:
    view, now = Stands(), 0.0
    with Apart(view, STILL, keep=3 * (LINE + 1), clock=lambda: now) as apart:
        apart.notify(printed("a"))
        assert view.reached.wait(PATIENCE)
        apart.notify(printed("b"))  # its task waits until it is shown, or the reader stands still
        now = 2 * STILL
        for text in "cdef":
            apart.notify(printed(text))
        view.goes_on.set()
        apart.finish()
    left_out = "2 lines that tasks printed are left out here, since nobody read them: the logs have them"
    assert view.shown == ["a", "b", "c", "d", left_out]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("a mistake")])
def test_a_view_that_fails_is_left_all_the_same(error: Exception) -> None:
    """A terminal whose cursor is hidden would stay so."""
    view = Stands(error)
    view.goes_on.set()
    with Apart(view) as apart:
        apart.notify(printed("a"))
        with pytest.raises(DockerflowError if isinstance(error, OSError) else ValueError):
            apart.finish()
    assert (view.shown, view.left) == ([], 1)
