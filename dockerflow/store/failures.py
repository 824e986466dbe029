"""A failure as the lines that end its attempt's log: on the terminal, in `dockerflow logs` and in `Task.stderr`.

They are made when the log is read: what is recorded of a failure, whoever noticed it, is told everywhere alike.
Standard library only, Python 3.7.
"""

from __future__ import annotations

from typing import Iterator, List

from dockerflow.store.history import Attempt
from dockerflow.store.records import Failure, LogLine

__all__ = ["log_lines", "message", "text_lines"]


def text_lines(why: Failure) -> Iterator[str]:
    """Why an attempt failed: the user's traceback as it is, then what kind of failure it was."""
    if why.kind == "stopped":
        return
    yield from why.traceback.rstrip().splitlines()
    if not _told_by_traceback(why):
        yield from f"error: {message(why)}".splitlines()
    if why.hint:
        yield f"hint: {why.hint}"


def log_lines(attempt: Attempt, begun: bool = False) -> List[LogLine]:
    """The same behind what the attempt printed, as lines of its standard error; none where nothing failed, or `@catch`
    made a success of it. `begun`: the last line that it printed there has no end, and gets one."""
    ended = attempt.finished
    if ended is None or ended.failure is None or ended.ok:
        return []
    lines = [LogLine(ended.time, "stderr", text) for text in text_lines(ended.failure)]
    return [LogLine(ended.time, "stderr", ""), *lines] if begun and lines else lines


def message(why: Failure) -> str:
    """Without the traceback, which a flow file that does not import has in its message as well."""
    return why.message.replace(why.traceback.strip(), "").rstrip() if why.traceback.strip() else why.message


def _told_by_traceback(why: Failure) -> bool:
    return bool(why.message) and why.traceback.rstrip().endswith(why.message)
