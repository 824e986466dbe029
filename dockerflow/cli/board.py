"""The picture of a run as lines for a terminal: pure, for a width, a height and a moment.

One line per step; environments that are still being made come first, each with a bar. When there are more lines than
rows, steps that have ended and steps that wait are left out, and a last line counts them.
"""

from __future__ import annotations

from collections import Counter

from rich.cells import cell_len
from rich.text import Text

from dockerflow import progress
from dockerflow.cli import sentences
from dockerflow.cli.picture import EnvironmentPicture, Picture, StepPicture
from dockerflow.cli.words import counted, duration, listed, size
from dockerflow.lazy_dataclasses import dataclass

COLOURS = ("cyan", "magenta", "yellow", "blue", "green", "bright_cyan", "bright_magenta", "bright_blue")
STATES = {
    "waiting": "dim",
    "starting": "yellow",
    "running": "bold yellow",
    "done": "green",
    "failed": "bold red",
    "stopped": "yellow",
}
FINE = {
    "waiting": "·",
    "starting": "◌",
    "running": "●",
    "done": "✓",
    "failed": "✗",
    "stopped": "■",
    "full": "━",
    "empty": "─",
}
ASCII = {
    "waiting": ".",
    "starting": "o",
    "running": "*",
    "done": "+",
    "failed": "x",
    "stopped": "-",
    "full": "#",
    "empty": "-",
}

BAR = 14  # cells of a progress bar
NAMED_TASKS = 4  # running tasks that are named on a step's line
FETCHES = 3  # packages whose download is shown


@dataclass(frozen=True)
class Board:
    """The size of the area to draw in, and whether the terminal knows more than ASCII."""

    width: int
    height: int
    fine: bool = True

    def lines(self, picture: Picture, now: float) -> list[Text]:
        """What to show now; never more than `height` lines, none wider than `width`."""
        lines = [self._title(picture, now)]
        if picture.run_began is None or not picture.prepared:
            lines += self._preparation(picture)
        lines += self.steps(picture, now, self.height - len(lines))
        return [self._cut(line) for line in lines[: self.height]]

    def steps(self, picture: Picture, now: float, rows: int) -> list[Text]:
        """One line per step, in the order of the graph, as far as `rows` reach."""
        shown = _most_telling(tuple(picture.steps.values()), rows)
        names = min(max((cell_len(name) for name in picture.steps), default=0), max(8, self.width // 3))
        counts = max((len(_count(step)) for step in picture.steps.values()), default=0)
        lines = [self.step(step, names, counts, now) for step in picture.steps.values() if step.name in shown]
        left_out = [step for step in picture.steps.values() if step.name not in shown]
        if left_out:
            states = Counter(step.state for step in left_out)
            told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
            lines.append(Text(f"  and {len(left_out)} steps more: {told}", "dim"))
        return [self._cut(line) for line in lines]

    def step(self, step: StepPicture, names: int, counts: int, now: float) -> Text:
        """`● compute   3/5   4.0 s  running 2 1.3 s · 3 0.4 s`; names and counts in columns of these widths."""
        line = Text(f"{self.symbol(step.state)} ", STATES[step.state])
        line.append(_padded(step.name, names), "default" if step.state != "waiting" else "dim")
        if step.began is None:
            if step.reused or step.cached:
                line.append(f"  {_count(step):>{counts}}", "bold")
                line.append(f"  {sentences.without_running(step):>9}", "dim")
            return line.append("  starting" if step.state == "starting" else "", "dim")
        line.append(f"  {_count(step):>{counts}}", "bold")
        line.append(f"  {duration(step.seconds(now)):>9}", "dim")
        for count, word, style in (
            (step.reused, "reused", "dim"),
            (step.cached, "cached", "dim"),
            (step.failed, "failed", "bold red"),
            (step.caught, "caught", "yellow"),
            (step.retried, "retried", "yellow"),
            (step.stopped, "stopped", "yellow"),
        ):
            line.append(f"  {count:,} {word}" if count else "", style)
        places = sentences.places(step)
        line.append(f"  {places}" if places else "", "dim")
        line.append(self._running(step, now), "dim")
        used = sentences.used(step) if step.state in ("done", "failed", "stopped") else ""
        line.append(f"  {used}" if used else "", "dim")
        return line

    def symbol(self, name: str) -> str:
        return (FINE if self.fine else ASCII)[name]

    def _running(self, step: StepPicture, now: float) -> str:
        if not step.running or step.total <= 1:
            return ""
        named = [f"{task.task_id} {duration(now - task.began)}" for task in step.running[:NAMED_TASKS]]
        more = len(step.running) - len(named)
        separator = " · " if self.fine else ", "
        return f"  running {separator.join(named)}" + (f" and {more} more" if more else "")

    def _title(self, picture: Picture, now: float) -> Text:
        name = f"{picture.flow}/{picture.run_id}" if picture.run_id else "preparing"
        began = picture.run_began if picture.run_began is not None else picture.began
        return Text.assemble((name, "bold"), (f"  {duration(now - (now if began is None else began))}", "dim"))

    # ---- environments that are being made

    def _preparation(self, picture: Picture) -> list[Text]:
        unfinished = [environment for environment in picture.environments.values() if not environment.done]
        lines = [self._environment(environment) for environment in unfinished]
        return lines + [self._fetching(fetched) for fetched in list(picture.fetching.values())[:FETCHES]]

    def _environment(self, environment: EnvironmentPicture) -> Text:
        line = Text(f"{self.symbol('running')} ", "yellow").append(listed(environment.steps, most=3), "bold")
        line.append("  ")
        if environment.pulling is not None:
            done, total = environment.pulling.done, environment.pulling.total
            line.append(f"{sentences.pulling(environment.pulling)} ", "dim")
            return line.append(f"{size(done)}/{size(total)} ").append_text(self._bar(done, total)) if total else line
        if environment.locked is None:
            return line.append("solving", "yellow")
        line.append(f"{sentences.locked(environment.locked)}  ", "dim")
        if environment.sending is not None:
            to = f"to {environment.sending.host} " if environment.sending.host else ""
            line.append(f"sending {to}{size(environment.sending.sent)}/{size(environment.sending.total)} ")
            return line.append_text(self._bar(environment.sending.sent, environment.sending.total))
        if environment.layer is not None:  # how many there will be is not known before the modules are compiled
            line.append(f"layers {environment.layer.number}")
            modules = sum(environment.compiling.values())
            doing = f"compiling {counted(modules, 'module')}" if modules else environment.layer.title
            return line.append(f"  {doing}", "dim")
        return line

    def _fetching(self, fetched: progress.PackageFetching) -> Text:
        line = Text("  fetching ", "dim")
        if fetched.total:
            line.append_text(self._bar(fetched.done, fetched.total)).append(" ")
        return line.append(f"{size(fetched.done)}  ").append(fetched.package, "dim")

    def _bar(self, done: int, total: int) -> Text:
        full = BAR if total <= 0 else min(BAR, BAR * done // total)
        return Text(self.symbol("full") * full, "green").append(self.symbol("empty") * (BAR - full), "dim")

    def _cut(self, line: Text) -> Text:
        line.no_wrap = True
        line.truncate(self.width, overflow="ellipsis" if self.fine else "crop")
        return line


def colour(step: str, steps: tuple[str, ...]) -> str:
    """A step's colour: by its place in the graph, so that neighbours differ."""
    return COLOURS[steps.index(step) % len(COLOURS)] if step in steps else "default"


def _most_telling(steps: tuple[StepPicture, ...], rows: int) -> frozenset[str]:
    """The steps to show in `rows` lines, by name: what failed or runs first, then what waits, then the rest."""
    if len(steps) <= rows:
        return frozenset(step.name for step in steps)
    ranks = {"failed": 0, "stopped": 0, "running": 1, "starting": 2, "waiting": 3, "done": 4}
    ranked = sorted(steps, key=lambda step: ranks[step.state])
    return frozenset(step.name for step in ranked[: max(0, rows - 1)])


def _count(step: StepPicture) -> str:
    return f"{step.done:,}/{max(step.total, step.done):,}"


def _padded(name: str, width: int) -> str:
    if cell_len(name) > width:
        return f"{name[: max(1, width - 1)]}…"
    return name + " " * (width - cell_len(name))
