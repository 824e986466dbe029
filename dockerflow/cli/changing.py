"""Parameters that `resume` or `rerun` is given other values for: whether it may be, if not why, and what to type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dockerflow.cli.errors import CommandLineError
from dockerflow.cli.options import OfResume
from dockerflow.cli.running import Chosen, to_resume
from dockerflow.cli.sentences import Place, command
from dockerflow.cli.words import counted
from dockerflow.flow.definition import Flow
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.scheduler.origin import Origin

if TYPE_CHECKING:
    from dockerflow.scheduler.changed import Reader


@dataclass(frozen=True)
class Again:
    """What was typed, to be typed again with another step."""

    chosen: Chosen
    origin_run_id: str | None
    asked: OfResume
    place: Place


def require_unread(origin: Origin, flow: Flow, again: Again) -> None:
    """Raises CommandLineError where a result would be reused although its task has read a parameter that has another
    value now, or may have."""
    if not origin.changed:
        return
    names = {each.attribute: each.name for each in flow.parameters}
    listed = " and ".join(f"`{names[each]}`" for each in origin.changed)
    if again.chosen.attach:
        raise CommandLineError(
            f"`--attach` goes on with tasks that have parameters as they were, and {listed} has another value now",
            "leave one of the two out",
        )
    refused, steps = refusals(origin, flow, again.chosen.max_num_splits)
    if refused:
        raise CommandLineError("\n".join(refused), _hint(flow, steps, again))


def refusals(origin: Origin, flow: Flow, max_num_splits: int | None) -> tuple[list[str], set[str]]:
    """Why parameters cannot have other values, and the steps that would have to run again for that."""
    from dockerflow.scheduler.changed import readers

    names = {each.attribute: each.name for each in flow.parameters}
    found = {each: readers(origin, flow, {each}, max_num_splits) for each in origin.changed}
    refused = [f"parameter `{names[each]}` cannot be changed: {_why(found[each])}" for each in found if found[each]]
    return refused, {each.step for every in found.values() for each in every}


def _why(found: Sequence[Reader]) -> str:
    """Those that have read it, if one knows any."""
    known = [each for each in found if each.known]
    told = known or found
    who = " and ".join(_who(each) for each in told)
    is_one = len(told) == 1 and told[0].tasks == 1
    would = f"and {'its result' if is_one else 'their results'} would be reused"
    if known:
        return f"{who} {'has' if is_one else 'have'} read it, {would}"
    unknown = f"it is not known whether {who} {'has' if is_one else 'have'} read it, {would}"
    return f"{unknown} (a step that reads past runs, or crashes, does not tell, nor does an older dockerflow)"


def _who(each: Reader) -> str:
    return f"step `{each.step}`" if each.tasks == 1 else f"{counted(each.tasks, 'task')} of step `{each.step}`"


def _hint(flow: Flow, steps: set[str], again: Again) -> str:
    from dockerflow.scheduler.changed import rerun_from

    first = rerun_from(flow, steps | ({again.asked.step} if again.asked.step else set()))
    program, file, *options = to_resume(again.chosen)
    given = [word for name, text in again.asked.texts.items() for word in (f"--{name}", text)]
    run = ["--origin-run-id", again.origin_run_id] if again.origin_run_id else []
    typed = command(again.place, program, file, first, *given, *run, *options)
    what = f"step `{first}` and all that follow it" if first != flow.start else "everything"
    return f"run {what} again, with what else the earlier run was given: `{typed}`; or start a new run"
