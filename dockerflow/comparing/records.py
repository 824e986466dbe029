"""What the records of two runs say beside each other: the runs themselves, parameters, images, and how long it took."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from dockerflow.comparing import inert
from dockerflow.comparing.artifacts import Side
from dockerflow.comparing.errors import Unreadable
from dockerflow.comparing.section import Asked, Section
from dockerflow.comparing.values import difference
from dockerflow.comparing.words import counted, lines_of, shown
from dockerflow.store import manifest
from dockerflow.store.errors import StoreError
from dockerflow.store.history import RunHistory
from dockerflow.store.manifest import ArtifactRef
from dockerflow.store.records import GitState, RunStarted, StepRecord

# Hex digits of a digest that are shown.
DIGITS = 12


# ---- the runs


def run(first: Side, second: Side, _: Asked) -> Section:
    """What was around them."""
    one, other = (_about(side.history.started, side.status) for side in (first, second))
    rows = tuple((name, _two(one[name], other[name])) for name in one if one[name] != other[name])
    return Section("run", None, "", rows=rows, facts={"first": one, "second": other})


def _about(started: RunStarted | None, status: str) -> dict[str, Any]:
    if started is None:
        return dict.fromkeys(_ABOUT, "")
    return {
        "status": status,
        "started": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(started.time)),
        "user": started.user,
        "command": shlex.join(started.command),
        "resumes": started.origin_run_id or "",
        "reproduces": started.reproduces or "",
        "git": _git(started.git) if started.git else "",
        "dockerflow": started.version,
        "machine": started.machine,
        "platform": started.machine_platform,
        "python": started.machine_python,
    }


def _git(git: GitState) -> str:
    changes = " with changes" if git.dirty else " perhaps with changes" if git.dirty is None else ""
    return f"{git.commit[:DIGITS] or 'no commit yet'}{changes}{f' on {git.branch}' if git.branch else ''}"


_ABOUT = tuple(_about(RunStarted(0, "", "", "", "", "", ()), ""))


def _two(one: str, other: str) -> str:
    return f"{one or 'none'} → {other or 'none'}"


# ---- parameters


def parameters(first: Side, second: Side, _: Asked) -> Section:
    """Raises StoreError where it is lost which parameters a run had; the value of one alone may be."""
    one, other = _refs(first), _refs(second)
    names = sorted({*one, *other})
    found = {name: told for name in names if (told := _parameter(first, second, one.get(name), other.get(name)))}
    rows = tuple(row for name, told in found.items() for row in _rows(name, told["text"].split("\n")))
    same = "the same" if names else "none"
    summary = f"{len(found)} of {len(names)} differ{'s' * (len(found) == 1)}" if found else same
    return Section("parameters", not found, summary, rows=rows, facts={"parameters": found})


def _rows(name: str, lines: list[str]) -> Iterator[tuple[str, ...]]:
    yield name, lines[0]
    yield from (("", line) for line in lines[1:])


def parameter_names(*sides: Side) -> frozenset[str]:
    """As far as they are known."""
    found: set[str] = set()
    for side in sides:
        with suppress(StoreError):
            found.update(_refs(side))
    return frozenset(found)


def _refs(side: Side) -> Mapping[str, ArtifactRef]:
    started = side.history.started
    if started is None or not started.parameters:
        return {}
    try:
        return manifest.read(side.store.blobs, started.parameters).artifacts
    except StoreError as error:
        message = f"the parameters of run `{started.flow}/{started.run_id}` are lost: {error.message}"
        raise type(error)(message, "compare the others: `--only code,locks,images,artifacts`") from error


def _parameter(first: Side, second: Side, one: ArtifactRef | None, other: ArtifactRef | None) -> dict[str, Any] | None:
    if one is None or other is None:
        side, ref, which = (first, one, "first") if one is not None else (second, other, "second")
        return {"text": f"only in the {which}: {_shown(side, ref)}"} if ref else None
    if one.sha256 == other.sha256:
        return None
    try:
        values = _value(first, one), _value(second, other)
    except StoreError as error:
        return {"text": f"differs, and cannot be read: {error.message}"}
    told = difference(*values)
    if told is None:
        return {"text": f"{shown(values[0])}, stored in another way"}
    return {"text": "\n".join(lines_of(told)), **told.facts}


def _shown(side: Side, ref: ArtifactRef) -> str:
    try:
        return shown(_value(side, ref))
    except StoreError as error:
        return f"it cannot be read: {error.message}"


def _value(side: Side, ref: ArtifactRef) -> Any:
    """Raises StoreError."""
    try:
        return inert.look(manifest.content(side.store.blobs, ref))
    except Unreadable:
        return f"<{ref.type}>"


# ---- images


def images(first: Side, second: Side, _: Asked) -> Section:
    """Step by step; and the steps that only one of the two has."""
    one, other = first.history.steps, second.history.steps
    found = {name: list(_image(one[name], other[name])) for name in one if name in other}
    found.update({name: ["only the first has the step"] for name in one if name not in other})
    found.update({name: ["only the second has the step"] for name in other if name not in one})
    different = {name: told for name, told in found.items() if told}
    rows = tuple(row for name, told in different.items() for row in _rows(name, told))
    none = not any(step.image for steps in (one, other) for step in steps.values())
    same = "none: all steps ran as processes" if none else "the same"
    summary = f"{counted(len(different), 'step')} of {len(found)} differ{'s' * (len(different) == 1)}"
    facts = {"steps": {name: _digests(one.get(name), other.get(name)) for name in different}}
    return Section("images", not different, summary if different else same, rows=rows, facts=facts)


def same_image(one: StepRecord, other: StepRecord) -> bool:
    """Engines know an image by one of two digests: what both have decides."""
    digests = ((one.config_digest, other.config_digest), (one.manifest_digest, other.manifest_digest))
    both = [pair for pair in digests if all(pair)]
    return all(first == second for first, second in both) if both else one.image == other.image


def _image(one: StepRecord, other: StepRecord) -> Iterator[str]:
    if same_image(one, other):
        return
    if not one.image or not other.image:
        yield f"{_two(_short(one), _short(other)).replace('none', 'a process')}"
        return
    yield _two(_short(one), _short(other))
    for name, before, after in (
        ("base image", _base(one), _base(other)),
        ("python", one.python_version, other.python_version),
        ("platform", one.platform, other.platform),
        ("made by", one.transform, other.transform),
    ):
        if before != after:
            yield f"{name}: {_two(before, after)}"
    if one.lock != other.lock:
        yield "other packages: see `locks`"
    if (one.lock, one.base_digest, one.transform) == (other.lock, other.base_digest, other.transform) and one.lock:
        yield "of the same lock, base image and recipes"


def _short(step: StepRecord) -> str:
    digest = step.config_digest or step.manifest_digest
    name = "" if step.lock else step.image
    return f"{name}{' ' if name and digest else ''}{digest.removeprefix('sha256:')[:DIGITS]}"


def _base(step: StepRecord) -> str:
    return f"{step.base_image} {step.base_digest.removeprefix('sha256:')[:DIGITS]}".strip()


def _digests(*steps: StepRecord | None) -> dict[str, Any]:
    names = ("image", "config_digest", "manifest_digest", "base_image", "base_digest", "python_version", "platform")
    return {
        which: {name: getattr(step, name) for name in (*names, "transform")} if step else None
        for which, step in zip(("first", "second"), steps, strict=True)
    }


# ---- how long it took


def timings(first: Side, second: Side, _: Asked) -> Section:
    """Of each step the time of all its attempts together, and the memory of its largest; and of the whole run."""
    both = [_timings(side.history) for side in (first, second)]
    names = list(dict.fromkeys([*both[0], *both[1]]))
    rows = [_timing(name, *(each.get(name) for each in both)) for name in names]
    title = ("step", "tasks", "first", "second", "change", "peak memory")
    facts = {name: [each.get(name) for each in both] for name in names}
    return Section("timings", None, "", rows=(title, *rows), facts={"steps": facts})


def _timings(history: RunHistory) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, tasks in history.tasks_by_step.items():
        ran = [one.finished for task in tasks for one in task.attempts if one.finished]
        found[name] = {
            "tasks": len(tasks),
            "reused": sum(task.created.origin_task_id is not None for task in tasks),
            "seconds": sum(each.seconds for each in ran),
            "peak_memory": max((each.peak_memory for each in ran), default=0),
        }
    if history.started:  # of one that was killed nobody knows how long it took
        took = history.finished.time - history.started.time if history.finished else None
        found["(the run)"] = {"tasks": len(history.tasks), "reused": 0, "seconds": took, "peak_memory": 0}
    return found


def _timing(name: str, one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> tuple[str, ...]:
    tasks = [_tasks(each) for each in (one, other)]
    seconds = [each["seconds"] if each else None for each in (one, other)]
    memory = [f"{each['peak_memory'] / 1e6:,.0f} MB" if each and each["peak_memory"] else "" for each in (one, other)]
    change = f"{100 * (seconds[1] / seconds[0] - 1):+.0f} %" if seconds[0] and seconds[1] else ""
    return (
        name,
        tasks[0] if tasks[0] == tasks[1] else f"{tasks[0]} → {tasks[1]}",
        *map(_took, seconds),
        change,
        memory[0] if memory[0] == memory[1] else f"{memory[0] or 'none'} → {memory[1] or 'none'}",
    )


def _took(seconds: float | None) -> str:
    """Empty where nothing ran, or nobody knows."""
    if not seconds:
        return ""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:,.1f} min"


def _tasks(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "none"
    return f"{found['tasks']:,}{' (' + format(found['reused'], ',') + ' reused)' if found['reused'] else ''}"
