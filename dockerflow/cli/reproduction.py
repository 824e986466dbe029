"""The reproduction report: what of a run came out the same when it was run again.

What differs comes first, artifact by artifact; what is identical is counted, step by step.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TextIO

from dockerflow.cli.errors import CommandLineError
from dockerflow.cli.places import place_of
from dockerflow.cli.sentences import command
from dockerflow.cli.streams import coloured
from dockerflow.cli.tables import columns
from dockerflow.cli.words import counted
from dockerflow.comparing.artifacts import (
    DIFFERS,
    IDENTICAL,
    ONLY_FIRST,
    ONLY_SECOND,
    VERDICTS,
    ArtifactPair,
    ComparedTask,
    Side,
    compare,
)
from dockerflow.comparing.records import same_image
from dockerflow.comparing.report import Tally, write_json
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.manifest import ArtifactRef
from dockerflow.store.records import RunStarted, StepRecord

# What `--json` is given for the standard output.
STDOUT = "-"

_GREEN, _YELLOW = "1;32", "1;33"


@dataclass(frozen=True)
class Reproduction:
    """A run and the one that has run it again."""

    first: Side
    second: Side

    def report(self, json_to: str | None) -> bool:
        """Print the report, or write it; whether all is identical. Raises CommandLineError for a file that cannot be
        written."""
        tally = Tally()
        tasks = compare(self.first, self.second)
        if json_to is None:
            for _ in tally.following(tasks):
                pass
        else:
            self._write(json_to, tasks, tally)
        if json_to != STDOUT:
            print("\n".join(self._lines(tally)), flush=True)
        return tally.identical

    def _write(self, json_to: str, tasks: Iterator[ComparedTask], tally: Tally) -> None:
        try:
            with _opened(json_to) as file:
                write_json(file, self._about(), tasks, tally)
        except BrokenPipeError:
            raise
        except OSError as error:
            again = command(place_of(self.second.store), "diff", *map(_pathspec, self._started))
            again = f"both runs are in the store: `{again}` compares them"
            raise _unwritable(json_to, error.strerror or str(error), again) from error

    # ---- as JSON

    def _about(self) -> dict[str, Any]:
        first, second = self._started
        return {
            "first": _pathspec(first),
            "second": _pathspec(second),
            "statuses": [self.first.status, self.second.status],
            "code": {"identical": first.code == second.code, "dockerflow": [first.version, second.version]},
            "images": [
                {"step": step, "identical": same_image(one, other), "first": _image(one), "second": _image(other)}
                for step, one, other in self._images()
            ],
        }

    @property
    def _started(self) -> tuple[RunStarted, RunStarted]:
        first, second = self.first.history.started, self.second.history.started
        if first is None or second is None:
            raise ValueError("a run without a beginning is not compared")
        return first, second

    def _images(self) -> Iterator[tuple[str, StepRecord, StepRecord]]:
        """Of the steps that ran in images."""
        second = self.second.history.steps
        for name, step in self.first.history.steps.items():
            if step.image and name in second:
                yield name, step, second[name]

    # ---- for people

    def _lines(self, tally: Tally) -> Iterator[str]:
        first, second = self._started
        yield ""
        yield f"reproduction of {_pathspec(first)} by {_pathspec(second)}: {_verdict(tally)}"
        yield from self._of_images()
        if first.code != second.code:
            yield f"code: the same, with the runtime of dockerflow {second.version} in place of {first.version}"
        if tally.different:
            yield ""
            yield from columns([("task", "artifact", "verdict", first.run_id, second.run_id), *_rows(tally)])
            if tally.count_different > len(tally.different):
                yield f"and {counted(tally.count_different - len(tally.different), 'task')} more: `--json` writes all"
        yield ""
        yield from columns([("step", "tasks", *VERDICTS), *_steps(tally)])

    def _of_images(self) -> Iterator[str]:
        every = list(self._images())
        other = [(step, one, two) for step, one, two in every if not same_image(one, two)]
        for step, one, two in other:
            yield f"image of step `{step}`: {_image(two)} in place of {_image(one)}"
        if every and not other:
            yield "images: all the same"


def require_writable(json_to: str | None) -> None:
    """Before the run: at its end it is late to find that there is no such folder. Raises CommandLineError."""
    if json_to not in (None, STDOUT):
        path = Path(str(json_to)).absolute()
        if path.is_dir() or not path.parent.is_dir():
            raise _unwritable(str(json_to), "it is a folder" if path.is_dir() else "there is no such folder")


def _opened(json_to: str) -> AbstractContextManager[TextIO]:
    return nullcontext(sys.stdout) if json_to == STDOUT else Path(json_to).open("w", encoding="utf-8")


def _unwritable(json_to: str, reason: str, hint: str = "name another file") -> CommandLineError:
    return CommandLineError(f"the report cannot be written to `{json_to}`: {reason}", hint)


def _pathspec(started: RunStarted) -> str:
    return f"{started.flow}/{started.run_id}"


def _verdict(tally: Tally) -> str:
    counts = tally.counts
    if tally.identical:
        return f"{_marked('all identical', _GREEN)} ({counted(sum(counts.values()), 'artifact')})"
    told = [f"{count:,} {_plural(verdict, count)}" for verdict, count in counts.items() if count]
    tasks = f"in {counted(tally.count_different, 'task')}"
    return f"{_marked('not identical', _YELLOW)} ({', '.join(told) or 'no artifacts'}; differences {tasks})"


def _marked(text: str, colour: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m" if coloured(sys.stdout) else text


def _plural(verdict: str, count: int) -> str:
    return "differ" if verdict == DIFFERS and count != 1 else verdict


def _rows(tally: Tally) -> Iterator[tuple[str, ...]]:
    for task in tally.different:
        yield from _of_task(task)


def _of_task(task: ComparedTask) -> Iterator[tuple[str, ...]]:
    name, (first, second) = task.pair.name, task.pair.statuses
    if task.unreadable:
        yield name, "", "cannot be read", task.unreadable, ""
        return
    if not first or not second:
        yield name, "(the task)", ONLY_FIRST if not second else ONLY_SECOND, first, second
        return
    if first != second:
        yield name, "(the task)", DIFFERS, first, second
    for each in task.made:
        if each.verdict != IDENTICAL:
            yield name, each.name, each.verdict, *_both(each)


def _both(pair: ArtifactPair) -> tuple[str, str]:
    return _value(pair.first), _value(pair.second)


def _value(ref: ArtifactRef | None) -> str:
    """`DataFrame 92198a09`: its class, and the beginning of its hash."""
    return "" if ref is None else f"{ref.type.rpartition('.')[2]} {ref.sha256[:8]}"


def _steps(tally: Tally) -> Iterator[tuple[str, ...]]:
    for name, step in tally.steps.items():
        tasks = f"{step.tasks.total():,}{f' ({step.reused:,} reused)' if step.reused else ''}"
        yield name, tasks, *(f"{step.artifacts[verdict]:,}" for verdict in VERDICTS)


def _image(step: StepRecord) -> str:
    return step.config_digest or step.manifest_digest or step.image
