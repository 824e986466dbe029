"""Run one attempt of one task in this very process.

`run_task` makes the user's flow as the task sees it, calls the step, and writes the artifacts. Whatever the user's code
does short of ending the process, it returns a TaskResult: a failure is a value with the user's traceback as text. What
was set before a failure is kept where it can be. Forking, streams and limits are the worker's; this module is shipped
into step containers: standard library only, Python 3.7.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Optional, Tuple

from dockerflow.artifacts.errors import CannotEncode
from dockerflow.flow.caught import Caught
from dockerflow.flow.current import Parallel, Situation, current
from dockerflow.flow.definition import Card, Catch, Flow, Secrets, Step
from dockerflow.flow.errors import StepError
from dockerflow.flow.inputs import Inputs, in_use
from dockerflow.flow.reads import Reads, enter
from dockerflow.flow.spec import FlowSpec, constants_of, own_artifacts, view_of, with_view
from dockerflow.flow.view import CARDS, FOREACH_ITEMS, FOREACH_STACK, INTERNAL, Level, Taken, View, item_of
from dockerflow.runtime import encodable, passing, reading, secret_files, time_limit
from dockerflow.runtime.calling import call, failure_of, tell
from dockerflow.runtime.messages import ForeachFrame, Gang, Input, RunTask, TaskResult, stack_of
from dockerflow.store import manifest
from dockerflow.store.base import BlobStore
from dockerflow.store.errors import StoreError
from dockerflow.store.manifest import ArtifactRef
from dockerflow.store.records import Failure, Transition

if TYPE_CHECKING:
    from dockerflow.cards.collector import CardComponentCollector

__all__ = ["Attempt", "run_task"]

Refs = Mapping[str, ArtifactRef]

# So many inputs of a join are read at once, where one after the other is asked for and the store is far away.
AHEAD = 64


def run_task(cls: Any, flow: Flow, request: RunTask, blobs: BlobStore) -> TaskResult:
    """Run one attempt. Raises nothing for a failure of the user's code or of an artifact."""
    began = time.monotonic()
    attempt = Attempt(cls, flow, request, blobs)
    try:
        result = attempt.run()
    except Exception as error:  # noqa: BLE001 - inputs or store that cannot be used, or the user's own `__init__`
        result = attempt.result(failure=failure_of(error, flow.steps[request.step]))
    finally:
        current.enter(None)
        enter(None)
    return replace(result, seconds=time.monotonic() - began)


class Attempt:
    """One attempt: its flow instance, and how it went."""

    def __init__(self, cls: Any, flow: Flow, request: RunTask, blobs: BlobStore) -> None:
        self._cls, self._flow, self._request, self._blobs = cls, flow, request, blobs
        self._step: Step = flow.steps[request.step]
        self._catch = self._step.decorator(Catch)
        self._cards: Optional[CardComponentCollector] = None
        self._inputs: Optional[Inputs] = None
        self._reads = Reads()
        self._catches = self._catch is not None and (request.last_attempt or request.fallback is not None)

    def run(self) -> TaskResult:
        request = self._request
        secret_files.deliver(request.secrets, (self._step.decorator(Secrets) or Secrets()).allow_override)
        this, arguments = self.instances()
        current.enter(self.situation())
        failure = request.fallback or call(getattr(this, request.step), arguments, self._step, request.time_limit)
        time_limit.STEP.set()
        if failure is None:
            failure = self._without_transition(view_of(this))
        if failure is None:
            self._keep(this, None)
        return self._finish(this, failure)

    def result(self, failure: Optional[Failure] = None, sha256: Optional[str] = None) -> TaskResult:
        request = self._request
        return TaskResult(
            step=request.step,
            task_id=request.task_id,
            attempt=request.attempt,
            ok=failure is None,
            manifest=sha256,
            failure=failure,
            blobs=tuple(self._blobs.written),
            # The attempt that `request.fallback` is of has ended without a word.
            read=None if request.fallback else self._reads.found(),
        )

    # How the task sees the flow

    def instances(self) -> Tuple[FlowSpec, Tuple[Inputs, ...]]:
        """The flow as the step gets it, and the step's arguments."""
        request = self._request
        parameters = self._refs(request.parameters, "the run's parameters")
        self._reads = Reads(parameters)
        enter(self._reads)
        first = self._refs_of_input(request.inputs[0]) if request.inputs else {}
        refs: Dict[str, ArtifactRef] = dict(parameters)
        if self._step.join:  # constants are stored once and passed on like parameters
            refs.update((name, ref) for name, ref in first.items() if name in constants_of(self._cls))
        else:  # an input that was taken over from another run may have had other parameters, and not read them
            own = self._flow.given_names()
            refs.update((name, ref) for name, ref in first.items() if name not in own or name not in parameters)
        levels = tuple(self._level(frame) for frame in request.foreach)
        this = self._instance(self._step, refs, parameters, lambda: levels, running=True)
        if not self._step.join:
            return this, ()
        self._inputs = Inputs(self._making(parameters), [each.step for each in request.inputs], passing.may_differ)
        return this, (self._inputs,)

    def left(self, sha256: str) -> FlowSpec:
        """The flow with what an attempt of this task left, by the list of its artifacts."""
        refs = self._refs(sha256, f"task `{self._step.name}/{self._request.task_id}`")
        parameters = self._refs(self._request.parameters, "the run's parameters")
        return self._instance(self._step, refs, parameters, self._levels_of(refs))

    def _making(self, parameters: Refs) -> Callable[[int], FlowSpec]:
        """What makes the input with a number. For who goes from one to the next, others are read ahead."""
        inputs, ahead, due = self._request.inputs, 0, 0
        own = [name for name in self._flow.given_names() if name in parameters]

        def make(number: int) -> FlowSpec:
            nonlocal ahead, due
            if number == due and number >= ahead:
                ahead = number + AHEAD
                self._blobs.read_ahead([each.manifest for each in inputs[number:ahead]])
            due = number + 1
            refs = self._refs_of_input(inputs[number])
            # It may be another run's, and is asked for this one's parameters: what it had of them goes no further.
            refs = {**refs, **{name: parameters[name] for name in own if name in refs}}
            return self._instance(self._flow.steps[inputs[number].step], refs, parameters, self._levels_of(refs))

        return make

    def _refs_of_input(self, given: Input) -> Refs:
        return self._refs(given.manifest, f"task `{given.step}/{given.task_id}`")

    def _instance(self, step: Step, refs: Refs, parameters: Refs, levels: Any, running: bool = False) -> FlowSpec:
        visible = {name: ref for name, ref in refs.items() if name not in INTERNAL}
        view = View(self._flow, step, visible, self._load, parameters, levels, running, self._reads)
        instance: FlowSpec = self._cls(use_cli=False)
        return with_view(instance, view)

    def _refs(self, sha256: str, whose: str) -> Refs:
        return reading.refs_of(self._blobs, sha256, whose, self._step)

    def _load(self, ref: ArtifactRef) -> Any:
        return reading.value_of(self._blobs, ref, self._step)

    def _level(self, frame: ForeachFrame) -> Level:
        if not frame.variable:  # a gang
            return Level(frame.step, "", frame.index, None, lambda: frame.index)
        return Level(frame.step, frame.variable, frame.index, frame.size, lambda: self._item(frame))

    def _levels_of(self, refs: Refs) -> Any:
        """The foreaches around an input, from what its task wrote down."""

        def levels() -> List[Level]:
            ref = refs.get(FOREACH_STACK)
            return [] if ref is None else [self._level(ForeachFrame(*frame)) for frame in self._load(ref)]

        return levels

    def _item(self, frame: ForeachFrame) -> Any:
        artifacts = self._refs(frame.manifest, f"step `{frame.step}`")
        self._reads.add(frame.variable)  # which may be a parameter
        return item_of(self._load(artifacts.get(FOREACH_ITEMS) or artifacts[frame.variable]), frame.index)

    def situation(self) -> Situation:
        request = self._request
        return Situation(
            flow=self._flow,
            run_id=request.run_id,
            step_name=request.step,
            task_id=request.task_id,
            retry_count=request.attempt,
            namespace=request.namespace,
            username=request.user,
            tags=request.tags,
            parameter_names=self._flow.given_names(),
            origin_run_id=request.origin_run_id,
            project=request.project,
            tempdir=os.getcwd(),
            provided=self._provided(),
        )

    def _provided(self) -> Dict[str, Any]:
        """What `current` has because of the step's decorators."""
        gang, cards = self._request.gang, [each for each in self._step.decorators if isinstance(each, Card)]
        found: Dict[str, Any] = {} if gang is None else {"parallel": _parallel(gang), "is_parallel": True}
        if cards:
            from dockerflow.cards.collector import CardComponentCollector  # noqa: PLC0415 - few steps have cards

            self._cards = found["card"] = CardComponentCollector(cards)
        return found

    # How it ends

    def _without_transition(self, view: View) -> Optional[Failure]:
        if view.taken is not None or not self._step.next:
            return None
        return Failure(
            kind="exception",
            message=f"step `{self._step.name}` ended without `self.next`",
            type_name=f"{StepError.__module__}.{StepError.__name__}",
            hint="a `return` before it leaves it out: let every way through the step end with the same `self.next`",
        )

    def _finish(self, this: FlowSpec, failure: Optional[Failure]) -> TaskResult:
        """Save the artifacts; what cannot be saved is a failure itself, which @catch may turn into a success."""
        if failure is None:
            failure, sha256 = self._save(this)
            if failure is None:
                kept = self._with_cards(this, sha256)
                return replace(self.result(None, kept), transition=_transition(view_of(this).taken))
        interrupted = failure.kind == "signal" and self._request.fallback is None
        if interrupted or not self._catches:
            return self.result(failure, self._save_what_can_be(this))
        if self._catch is not None and self._catch.print_exception:
            tell(f"@catch: {this!r} failed\n{failure.traceback or failure.message}", "stdout")
        self._keep(this, _caught(failure, self._step.name))
        taken = Taken(self._step.next) if self._step.next else None
        result = self.result(failure, self._with_cards(this, self._save_what_can_be(this)))
        return replace(result, ok=True, caught=True, transition=_transition(taken))

    def _keep(self, this: FlowSpec, value: Optional[Caught]) -> None:
        """Set the variable of @catch, which is None where nothing failed."""
        if self._catch is not None and self._catch.var is not None:
            setattr(this, self._catch.var, value)

    def _save(self, this: FlowSpec) -> Tuple[Optional[Failure], Optional[str]]:
        own, inherited = self._artifacts(this)
        try:
            return None, manifest.write(self._blobs, own, inherited, self._step.name)
        except CannotEncode:
            failure, _ = encodable.split(own, self._step.name)
            return failure, None

    def _save_what_can_be(self, this: FlowSpec) -> Optional[str]:
        own, inherited = self._artifacts(this)
        try:
            return manifest.write(self._blobs, own, inherited, self._step.name)
        except CannotEncode:
            return manifest.write(self._blobs, encodable.split(own, self._step.name)[1], inherited, self._step.name)
        except StoreError as error:
            if self._catches:
                raise
            tell(f"the artifacts of the failed attempt could not be kept: {error.message}")
            return None

    def _with_cards(self, this: FlowSpec, sha256: Optional[str]) -> Optional[str]:
        """The manifest with the task's cards, which tell of all that is in it already."""
        if self._cards is None or sha256 is None:
            return sha256
        from dockerflow.runtime.card_pages import CardSubject, pages  # noqa: PLC0415 - few steps have cards

        refs = manifest.read(self._blobs, sha256).artifacts
        subject = CardSubject(self._flow, self._request, refs, own_artifacts(this), self._load, self._reads)
        return manifest.write(self._blobs, {CARDS: pages(subject, self._cards.cards)}, refs, self._step.name)

    def _artifacts(self, this: FlowSpec) -> Tuple[Dict[str, Any], Dict[str, ArtifactRef]]:
        """The values to store, and the refs to pass on."""
        view = view_of(this)
        inputs = [] if self._inputs is None else [view_of(each) for each in in_use(self._inputs)]
        own, refs = passing.own_and_passed_on(self._blobs, own_artifacts(this), [view, *inputs])
        constants = {name: value for name, value in constants_of(self._cls).items() if name not in view.refs}
        own.update(constants)
        if self._request.foreach:
            own[FOREACH_STACK] = stack_of(self._request.foreach)
        if view.taken is not None and view.taken.items is not None:
            own[FOREACH_ITEMS] = view.taken.items
        return own, refs


def _parallel(gang: Gang) -> Parallel:
    return Parallel(gang.address, gang.size, gang.index, gang.control_task_id)


def _transition(taken: Optional[Taken]) -> Optional[Transition]:
    return None if taken is None else Transition(taken.steps, taken.foreach, taken.size, taken.gang)


def _caught(failure: Failure, step: str) -> Caught:
    return Caught(failure.message, failure.type_name or failure.kind, failure.traceback, step)
