"""Parameters to which a resumed run gives other values than its origin had.

What is reused of the origin must be what the new run would compute. So a parameter may have another value only if no
task whose result is taken over has read it: `readers` names those that have, and `rerun_from` the step to run again
instead, with all that follow it.

Which results are taken over the core says itself, begun here with the origin's. What a task has read is in the journal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from dockerflow.artifacts import codec
from dockerflow.flow.definition import Flow, Step
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.scheduler.core import advance
from dockerflow.scheduler.origin import Origin
from dockerflow.scheduler.resumed import from_step, reusable
from dockerflow.scheduler.state import Run
from dockerflow.scheduler.values import MAX_NUM_SPLITS, Begin, Plan, StepPlan, TakeOver
from dockerflow.store.base import hash_of
from dockerflow.store.manifest import ArtifactRef
from dockerflow.store.records import AttemptFinished


@dataclass(frozen=True)
class Reader:
    """A step of which `tasks` have read a parameter; or, with `known` False, may have."""

    step: str
    tasks: int
    known: bool


def differing(values: Mapping[str, object], kept: Mapping[str, ArtifactRef]) -> dict[str, object]:
    """Those of the values that the origin's parameters `kept` have not. Raises CannotEncode."""
    return {name: value for name, value in values.items() if name not in kept or not _is(value, kept[name], name)}


def _is(value: object, ref: ArtifactRef, name: str) -> bool:
    return hash_of(codec.encode(value, name).chunks) == ref.sha256


def readers(origin: Origin, flow: Flow, names: Collection[str], max_num_splits: int | None = None) -> list[Reader]:
    """The steps whose results would be taken over although they have read one of the parameters; behind them those of
    which that is not known. Both in the order of the flow."""
    taken = list(_taken_over(origin, flow, max_num_splits or MAX_NUM_SPLITS))
    known = Counter(each.step for each in taken if each.read is not None and not set(names).isdisjoint(each.read))
    unknown = Counter(each.step for each in taken if each.read is None)
    found = [Reader(step, known[step], True) for step in flow.steps if known[step]]
    return found + [Reader(step, unknown[step], False) for step in flow.steps if unknown[step]]


def rerun_from(flow: Flow, wanted: Collection[str]) -> str:
    """The step from which as little as possible runs again, but all the wanted steps do."""
    plans = _plans(flow)
    reach = {name: from_step(plans, name) for name in plans}
    return min((name for name in reach if reach[name].issuperset(wanted)), key=lambda name: len(reach[name]))


def _taken_over(origin: Origin, flow: Flow, max_num_splits: int) -> Iterator[AttemptFinished]:
    plans = _plans(flow)
    again = from_step(plans, origin.rerun) if origin.rerun else frozenset[str]()
    plan = Plan(
        flow=flow.name,
        run_id="",
        steps=plans,
        parameters="",
        max_workers=1,
        max_num_splits=max_num_splits,
        start=flow.start,
        origin=reusable(origin.history, again),
    )
    for command in advance(Run(plan), Begin(), 0.0):
        if isinstance(command, TakeOver):
            yield command.result


def _plans(flow: Flow) -> dict[str, StepPlan]:
    return {name: _plan(step) for name, step in flow.steps.items()}


def _plan(step: Step) -> StepPlan:
    return StepPlan(step.name, step.next, step.foreach, step.join, condition=step.condition, gang=step.gang)
