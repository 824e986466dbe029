"""What happened, in the words that both views use: an event or a picture in, text without colours out."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

from dockerflow import progress
from dockerflow.cli.picture import EnvironmentPicture, Picture, StepPicture, is_stopped
from dockerflow.cli.words import counted, duration, size
from dockerflow.flow.errors import place
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import failures
from dockerflow.store.records import Failure

LARGE_CODE = 10 * 2**20  # bytes

SHORT_ID = len("sha256:") + 12


@dataclass(frozen=True)
class Place:
    """Where a run's results are. `option` is what a later command must be told to find them, empty if nothing;
    `resume` the words that go on with the run where it did not succeed.
    """

    store: str
    option: str = ""
    resume: tuple[str, ...] = ()


def locked(event: progress.EnvironmentLocked) -> str:
    """`lock reused (store)`, `lock reused (committed: flow.locks/start.yml)` or `solved in 0.1 s, 12 packages`."""
    if event.source == "solved":
        return f"solved in {duration(event.seconds)}, {counted(event.packages, 'package')}"
    if event.source == "given":
        return f"lock given ({place(event.path)})" if event.path else "lock given"
    return f"lock reused ({event.source}{f': {place(event.path)}' if event.path else ''})"


def passed_over(event: progress.LockPassedOver) -> str:
    """`flow.locks/start.yml is passed over: …; bring it up to date with …`."""
    return f"{place(event.path)} is passed over: {event.reason}; `dockerflow lock` brings it up to date"


def mended(event: progress.LayerMended) -> str:
    return f"layer {event.title} was damaged in the cache; it is built again"


def image(event: progress.ImageReady) -> str:
    """`image present` or `3 layers built (120 MB), 11 reused, 2 sent (80 MB) in 3 s`; with a host
    `…, 2 sent to gpu-box (80 MB as 27 MB) in 3 s`.
    """
    if not event.layers_built and not event.layers_sent:
        return f"image present on {event.host}" if event.host else "image present"
    size_built = f" ({size(event.bytes_built)})" if event.bytes_built else ""
    built = f"{counted(event.layers_built, 'layer')} built{size_built}" if event.layers_built else "no layer built"
    reused = max(0, event.layers - event.layers_built)
    there = f" to {event.host}" if event.host else ""
    on_wire = f" as {size(event.bytes_on_wire)}" if event.bytes_on_wire else ""
    sent = (
        f"{event.layers_sent} sent{there} ({size(event.bytes_sent)}{on_wire})" if event.layers_sent else "none to send"
    )
    return f"{built}, {reused} reused, {sent} in {duration(event.seconds)}"


def own_image(event: progress.OwnImageReady) -> str:
    """`own image present (python:3.11, Python 3.11.4, sha256:0123456789ab)`."""
    how = f"pulled in {duration(event.seconds)}" if event.pulled else "present"
    if event.sent_to:
        how = f"sent to `{event.sent_to}` in {duration(event.seconds)}"
    name = _without_long_digest(event.name)
    return f"own image {how} ({name}, Python {event.python}, {event.image_id[:SHORT_ID]})"


def pulling(event: progress.ImagePulling) -> str:
    return f"pulling {_without_long_digest(event.name)}"


def _without_long_digest(name: str) -> str:
    unpinned, at, digest = name.partition("@")
    return f"{unpinned}{at}{digest[:SHORT_ID]}"


def environments(known: Iterable[EnvironmentPicture]) -> str:
    """What the preparation of a run took, in one sentence; empty for a run without environments."""
    all_of_them = tuple(known)
    if not all_of_them:
        return ""
    solved = sum(environment.solved for environment in all_of_them)
    built = sum(environment.built for environment in all_of_them)
    pulled = sum(environment.own.pulled for environment in all_of_them if environment.own)
    sent = sum(environment.ready.bytes_sent for environment in all_of_them if environment.ready)
    what = f"{counted(len(all_of_them), 'environment')}: "
    and_pulled = f", {counted(pulled, 'image')} pulled" if pulled else ""
    if not solved and not built:
        return f"{what}solved nothing, built nothing{and_pulled}"
    images = counted(built, "image") if built else "no image"
    return f"{what}{solved or 'none'} solved, {images} built{and_pulled}, {size(sent)} sent"


def attempt_ended(event: progress.AttemptEnded) -> str:
    """One line about the end of an attempt."""
    took = duration(event.seconds)
    if event.retry_in is not None:
        wait = f"in {duration(event.retry_in)}" if event.retry_in else "at once"
        return f"attempt {event.attempt} failed after {took}; next attempt {wait}"
    if event.caught:
        return f"failed after {took}, caught by @catch{f': {reason(event.failure)}' if event.failure else ''}"
    if is_stopped(event):
        return "task stopped"
    return f"task done in {took}" if event.ok else f"task failed after {took}"


def reason(why: Failure) -> str:
    """`ValueError: must be positive`, short enough for one line."""
    ours = why.type_name.startswith("dockerflow.")
    kind = "" if ours or not why.type_name else f"{why.type_name.rpartition('.')[2]}: "
    return f"{kind}{failures.message(why).partition(chr(10))[0]}".rstrip(": ")


def code(event: progress.CodePacked) -> str:
    """What to say of a package of code that costs every container; empty for one of a usual size."""
    if event.size <= LARGE_CODE:
        return ""
    return (
        f"{size(event.size)} of Python files below {event.folder} travel into every container; "
        "give the flow a folder of its own"
    )


def counts(step: StepPicture) -> str:
    """`3/5 tasks`, with what was out of the ordinary: `3/5 tasks, 2 reused, 1 caught, 2 retried`."""
    unusual = [
        (step.reused, "reused"),
        (step.cached, "cached"),
        (step.failed, "failed"),
        (step.caught, "caught"),
        (step.retried, "retried"),
        (step.stopped, "stopped"),
    ]
    parts = [
        f"{step.done:,}/{max(step.total, step.done):,} tasks",
        *(f"{count:,} {word}" for count, word in unusual if count),
    ]
    return ", ".join(parts)


def used(step: StepPicture) -> str:
    """`CPU 1.3 s, at most 84 MB`: of all attempts together, and of the one that took most. Empty: it is not known."""
    return f"CPU {duration(step.cpu_seconds)}, at most {size(step.peak_memory)}" if step.peak_memory else ""


def places(step: StepPicture) -> str:
    """`on gpu-box`; empty for a step that ran on this machine alone."""
    return f"on {', '.join(step.hosts)}" if step.hosts else ""


def result(ended: progress.RunEnded) -> str:
    """`run GenreStats/1712 succeeded in 3 s`."""
    return f"run {ended.flow}/{ended.run_id} {ended.status} in {duration(ended.seconds)}"


def run_began(event: progress.RunBegan) -> str:
    """`run GenreStats/1712 begins: 4 steps`, `… begins, resuming run 1711: …`, or `… begins, as run 1711 did: …`."""
    resuming = f", resuming run {event.origin_run_id}" if event.origin_run_id else ""
    if event.reproduces:
        resuming = f", as run {event.reproduces} did"
    return f"run {event.flow}/{event.run_id} begins{resuming}: {counted(len(event.steps), 'step')}"


def resumed(picture: Picture) -> str:
    """`resumed run 1711: 12 tasks reused`; empty for a run that resumes none."""
    if picture.origin_run_id is None:
        return ""
    tasks = counted(picture.reused, "task") if picture.reused else "no task"
    return f"resumed run {picture.origin_run_id}: {tasks} reused"


def looked_up(event: progress.TaskLookedUp) -> str:
    """``cache hit: GenreStats/1711/start/1``, ``cache miss: code: step `start` differs``."""
    return f"cache {event.why}"


def cached(picture: Picture) -> str:
    """`3 of 5 tasks were taken from the cache`; empty where none was."""
    if not picture.cached:
        return ""
    total = sum(max(step.total, step.done) for step in picture.steps.values())
    were = "was" if picture.cached == 1 else "were"
    return f"{picture.cached:,} of {counted(total, 'task')} {were} taken from the cache"


def without_running(step: StepPicture) -> str:
    """Where the results of a step are from of which nothing has run."""
    words = [word for count, word in ((step.reused, "reused"), (step.cached, "cached")) if count]
    return ", ".join(words) or "not run"


def how_to_read(picture: Picture, place: Place) -> Iterator[tuple[str, str]]:
    """Pairs of a word and what to type: where the results are and how to see them."""
    run = f"{picture.flow}/{picture.run_id}"
    setting = f"DOCKERFLOW_STORE={shlex.quote(place.option)} " if place.option else ""
    where = f"{run}/{picture.failed}" if picture.failed else run
    succeeded = picture.ended is not None and picture.ended.status == "succeeded"
    if succeeded:
        code = f"from dockerflow import Run; print(Run('{run}').data)"
        yield "results", f'{setting}python -c "{code}"'
    yield "artifacts", command(place, "dump", run)
    yield "logs", command(place, "logs", where)
    if picture.failed:
        yield "debug", command(place, "debug", where)
    if place.resume and not succeeded:
        yield place.resume[0], command(place, *place.resume)
    yield "store", place.store


def command(place: Place, *words: str) -> str:
    """What to type later to see what a run left."""
    return shlex.join(["dockerflow", *words, *(["--store", place.option] if place.option else [])])
