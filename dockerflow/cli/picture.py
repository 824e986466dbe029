"""What a run looks like by now: the events of `dockerflow.progress`, folded into counts.

`after(picture, event, now)` is pure: it prints nothing, reads no clock (`now` is any clock in seconds that only goes
forward) and returns a new picture. The live view draws what is here; the end of a run is told from it as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, replace
from functools import singledispatch

from dockerflow import progress
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.records import Failure


@dataclass(frozen=True)
class RunningTask:
    task_id: str
    attempt: int
    began: float


@dataclass(frozen=True)
class StepPicture:
    """One step. `done` counts tasks that ended well, among them those that were `caught`, and those whose results were
    `reused` from the run that is resumed, or are other runs' (`cached`); `retried` counts attempts made again and
    `stopped` tasks that the user did not let end.
    """

    name: str
    total: int = 0
    done: int = 0
    caught: int = 0
    reused: int = 0
    cached: int = 0
    failed: int = 0
    retried: int = 0
    stopped: int = 0
    running: tuple[RunningTask, ...] = ()  # in the order of their beginning
    hosts: tuple[str, ...] = ()  # other than this machine, on which tasks have begun
    containers: int = 0  # started so far
    began: float | None = None  # of the first attempt
    ended: float | None = None  # of the last one
    cpu_seconds: float = 0.0  # of all attempts that have ended
    peak_memory: int = 0  # of the largest

    @property
    def state(self) -> str:
        """`waiting`, `starting` (a container), `running`, `failed`, `stopped` or `done`."""
        if self.failed:
            return "failed"
        if self.stopped:
            return "stopped"
        if self.running:
            return "running"
        if self.total and self.done >= self.total:
            return "done"
        if self.began is not None:
            return "running"
        return "starting" if self.containers else "waiting"

    def seconds(self, now: float) -> float:
        """From the beginning of the first attempt to the end of the last, or to now while one runs."""
        if self.began is None:
            return 0.0
        return (now if self.running or self.ended is None else self.ended) - self.began


@dataclass(frozen=True)
class EnvironmentPicture:
    """The way of one environment, shared by `steps`, from a spec to an image that the engine has; for an image that the
    steps brought along, from its name.
    """

    steps: tuple[str, ...]
    locked: progress.EnvironmentLocked | None = None
    layer: progress.LayerReady | None = None  # the latest
    compiling: Mapping[str, int] = field(default_factory=dict)  # modules, by the layers that are not there yet
    sending: progress.ImageSending | None = None
    ready: progress.ImageReady | None = None
    pulling: progress.ImagePulling | None = None
    own: progress.OwnImageReady | None = None

    @property
    def done(self) -> bool:
        return self.ready is not None or self.own is not None

    @property
    def solved(self) -> bool:
        return self.locked is not None and self.locked.source == "solved"

    @property
    def built(self) -> bool:
        return self.ready is not None and bool(self.ready.layers_built or self.ready.layers_sent)


@dataclass(frozen=True)
class Picture:
    began: float | None = None  # when the first event came
    flow: str = ""
    run_id: str = ""
    origin_run_id: str | None = None  # of the run that is resumed
    run_began: float | None = None
    environments: Mapping[tuple[str, ...], EnvironmentPicture] = field(default_factory=dict)
    fetching: Mapping[str, progress.PackageFetching] = field(default_factory=dict)
    steps: Mapping[str, StepPicture] = field(default_factory=dict)
    failed: str | None = None  # `step/task` of the first task that failed for good
    failure: Failure | None = None  # why it did
    ended: progress.RunEnded | None = None

    @property
    def reused(self) -> int:
        """Tasks whose results are the resumed run's."""
        return sum(step.reused for step in self.steps.values())

    @property
    def cached(self) -> int:
        """Tasks whose results are those of other runs."""
        return sum(step.cached for step in self.steps.values())

    @property
    def prepared(self) -> bool:
        """Whether every environment that was announced has its image."""
        return all(environment.done for environment in self.environments.values())


def after(picture: Picture, event: progress.Event, now: float) -> Picture:
    """The picture after one more event. An event of an unknown kind changes nothing."""
    if picture.began is None:
        picture = replace(picture, began=now)
    return _fold(event, picture, now)


def at_rest(picture: Picture) -> Picture:
    """The picture of a run that has ended: containers that were started ahead of time are nobody's concern any more."""
    return replace(picture, steps={name: replace(step, containers=0) for name, step in picture.steps.items()})


@singledispatch
def _fold(event: progress.Event, picture: Picture, now: float) -> Picture:
    return picture


# ---- environments and images


@_fold.register
def _(event: progress.EnvironmentSolving, picture: Picture, now: float) -> Picture:
    return _environment(picture, event.steps, lambda known: known)


@_fold.register
def _(event: progress.EnvironmentLocked, picture: Picture, now: float) -> Picture:
    return _environment(picture, event.steps, lambda known: replace(known, locked=event))


@_fold.register
def _(event: progress.LayerReady, picture: Picture, now: float) -> Picture:
    return _environment(picture, event.steps, lambda known: _with_layer(known, event))


@_fold.register
def _(event: progress.Compiling, picture: Picture, now: float) -> Picture:
    return _environment(
        picture,
        event.steps,
        lambda known: replace(known, compiling={**known.compiling, event.title: event.modules}),
    )


@_fold.register
def _(event: progress.ImageSending, picture: Picture, now: float) -> Picture:
    # One host has the image perhaps, and this one not yet.
    return _environment(picture, event.steps, lambda known: replace(known, sending=event, ready=None))


@_fold.register
def _(event: progress.ImageReady, picture: Picture, now: float) -> Picture:
    return _environment(picture, event.steps, lambda known: replace(known, ready=event))


@_fold.register
def _(event: progress.ImagePulling, picture: Picture, now: float) -> Picture:
    return _environment(picture, event.steps, lambda known: replace(known, pulling=event))


@_fold.register
def _(event: progress.OwnImageReady, picture: Picture, now: float) -> Picture:
    return _environment(picture, event.steps, lambda known: replace(known, own=event))


@_fold.register
def _(event: progress.PackageFetching, picture: Picture, now: float) -> Picture:
    others = {name: fetched for name, fetched in picture.fetching.items() if name != event.package}
    complete = event.total is not None and event.done >= event.total
    return replace(picture, fetching=others if complete else {**others, event.package: event})


def _with_layer(known: EnvironmentPicture, event: progress.LayerReady) -> EnvironmentPicture:
    compiling = {title: modules for title, modules in known.compiling.items() if title != event.title}
    return replace(known, layer=event, compiling=compiling)


def _environment(
    picture: Picture, steps: tuple[str, ...], change: Callable[[EnvironmentPicture], EnvironmentPicture]
) -> Picture:
    known = picture.environments.get(steps, EnvironmentPicture(steps))
    return replace(picture, environments={**picture.environments, steps: change(known)})


# ---- the run, its steps and tasks


@_fold.register
def _(event: progress.RunBegan, picture: Picture, now: float) -> Picture:
    steps = {name: picture.steps.get(name, StepPicture(name)) for name in event.steps}
    return replace(
        picture,
        flow=event.flow,
        run_id=event.run_id,
        run_began=now,
        origin_run_id=event.origin_run_id,
        steps=steps,
    )


@_fold.register
def _(event: progress.ContainerStarting, picture: Picture, now: float) -> Picture:
    return _step(picture, event.step, lambda step: replace(step, containers=step.containers + 1))


@_fold.register
def _(event: progress.TasksCreated, picture: Picture, now: float) -> Picture:
    return _step(picture, event.step, lambda step: replace(step, total=step.total + event.count))


@_fold.register
def _(event: progress.TasksTakenOver, picture: Picture, now: float) -> Picture:
    return _step(
        picture,
        event.step,
        lambda step: replace(
            step,
            total=step.total + event.count,
            done=step.done + event.count,
            reused=step.reused + event.count * (not event.cached),
            cached=step.cached + event.count * event.cached,
        ),
    )


@_fold.register
def _(event: progress.AttemptBegan, picture: Picture, now: float) -> Picture:
    task = RunningTask(event.task_id, event.attempt, now)
    return _step(
        picture,
        event.step,
        lambda step: replace(
            step,
            running=(*step.running, task),
            began=now if step.began is None else step.began,
            hosts=step.hosts if event.host in ("", *step.hosts) else (*step.hosts, event.host),
        ),
    )


@_fold.register
def _(event: progress.AttemptEnded, picture: Picture, now: float) -> Picture:
    if picture.failed is None and _is_lost(event):
        picture = replace(picture, failed=f"{event.step}/{event.task_id}", failure=event.failure)
    return _step(picture, event.step, lambda step: _ended(step, event, now))


@_fold.register
def _(event: progress.RunEnded, picture: Picture, now: float) -> Picture:
    return replace(picture, flow=event.flow, run_id=event.run_id, ended=event)


def _is_lost(event: progress.AttemptEnded) -> bool:
    """Whether a task ended badly, for good, and not because the user wanted it or another task of its gang failed."""
    return not event.ok and not event.caught and event.retry_in is None and not is_stopped(event)


def is_stopped(event: progress.AttemptEnded) -> bool:
    """Whether the attempt ended for no reason of its own."""
    return event.failure is not None and event.failure.kind in ("stopped", "gang") and not event.caught


def _fell_back(event: progress.AttemptEnded) -> bool:
    """Whether @catch acted in an attempt of its own, after the task's process was gone: that was no retry."""
    return event.caught and event.attempt > 0 and event.failure is not None and event.failure.kind != "exception"


def _ended(step: StepPicture, event: progress.AttemptEnded, now: float) -> StepPicture:
    again = event.retry_in is not None
    lost = _is_lost(event)
    stopped = is_stopped(event) and not again
    well = not again and not lost and not stopped
    return replace(
        step,
        running=tuple(task for task in step.running if task.task_id != event.task_id),
        done=step.done + well,
        caught=step.caught + (well and event.caught),
        failed=step.failed + lost,
        retried=step.retried + again - (well and _fell_back(event)),
        stopped=step.stopped + stopped,
        ended=now,
        cpu_seconds=step.cpu_seconds + event.cpu_seconds,
        peak_memory=max(step.peak_memory, event.peak_memory),
    )


def _step(picture: Picture, name: str, change: Callable[[StepPicture], StepPicture]) -> Picture:
    known = picture.steps.get(name, StepPicture(name))
    return replace(picture, steps={**picture.steps, name: change(known)})
