"""How `inspect` shows a task and an artifact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockerflow.cli.inspected import Document
from dockerflow.cli.plain import timestamp
from dockerflow.cli.sections import memory, print_facts, print_section
from dockerflow.cli.sentences import reason
from dockerflow.cli.words import duration, size
from dockerflow.store.records import Failure

# ---- a task


def print_task(task: Document, step: Document) -> None:
    last = next((one for one in reversed(task["attempts"]) if one["exit"]), None)
    took = f"{', where it took' if task['origin'] else ' in'} {duration(last['seconds'])}" if last else ""
    origin = f" from {task['origin']}" if task["origin"] else ""
    print(f"{task['pathspec']}  {task['status']}{origin}{took}")
    print_facts(_of_task(task, step))
    rows = [(each["task"] or "?", each["manifest"] or "its result is not there yet") for each in task["inputs"]]
    print_section("inputs", rows, 1)
    _print_outputs(task, step["name"])
    titles = ("attempt", "started", "host", "container", "took", "CPU", "peak memory", "exit")
    print_section("attempts", [titles, *map(_attempt_row, task["attempts"])] if task["attempts"] else [], 3)
    for attempt in task["attempts"]:
        _print_failure(attempt)


def _of_task(task: Document, step: Document) -> Iterator[tuple[str, str]]:
    yield "created", timestamp(task["created"])
    for frame in task["foreach"]:
        over = f"`{frame['variable']}` of `{frame['step']}`" if frame["variable"] else f"the gang of `{frame['step']}`"
        yield "index", f"{frame['index']} in {over}, which has {frame['size']}"
    for one in step["environments"]:
        yield "image", one["image"]
        yield "", one["config_digest"]
        yield "", one["manifest_digest"]
        yield "python", one["python_version"]
    yield "parameters", f"{task['parameters']['sha256']}{_read(task['parameters']['read'])}"
    yield "next", ", ".join(task["next"]["steps"]) if task["next"] else ""
    yield "manifest", task["manifest"] or ""


def _read(names: Sequence[str] | None) -> str:
    if names is None:
        return ""
    return f", of which it read {', '.join(f'`{name}`' for name in names)}" if names else ", of which it read none"


def _print_outputs(task: Document, step: str) -> None:
    """What the step made, and what it passed on; parameters are the run's, and names of ours nobody asks for."""
    if task["unreadable"]:
        print(f"\noutputs\n  cannot be read: {task['unreadable']}")
        return
    public = [one for one in task["outputs"] if not one["name"].startswith("_") and not one["is_parameter"]]
    made = [one for one in public if one["step"] in (step, "")]  # older manifests do not say who made it
    passed_on = [(one["name"], one["step"], one["sha256"]) for one in public if one not in made]
    titles = ("name", "type", "size", "made with", "sha256")
    print_section("outputs", [titles, *map(_output_row, made)] if made else [], 4)
    print_section("passed on", [("name", "made by", "sha256"), *passed_on] if passed_on else [], 2)


def _output_row(one: Document) -> tuple[str, ...]:
    return one["name"], one["type"], size(one["size"]), _libraries(one["libraries"]), one["sha256"]


def _libraries(libraries: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in libraries.items())


def _attempt_row(attempt: Document) -> tuple[str, ...]:
    begun = timestamp(attempt["started"]) if attempt["started"] else ""
    row = (str(attempt["number"]), begun, attempt["host"] or "", attempt["container"] or "")
    if attempt["exit"] is None:
        return (*row, "", "", "", "")
    processor = duration(attempt["user_seconds"] + attempt["system_seconds"])
    return (*row, duration(attempt["seconds"]), processor, memory(attempt["peak_memory"]), _exit(attempt["exit"]))


def _exit(told: Document) -> str:
    """`ok`, `exception`, `signal (status 137), caught by @catch`."""
    status = f" (status {told['status']})" if told["status"] is not None else ""
    return f"{told['kind']}{status}{', caught by @catch' if told['caught'] else ''}"


def _print_failure(attempt: Document) -> None:
    told = attempt["exit"]
    if told is None or told["kind"] == "ok":
        return
    print(f"\nwhy attempt {attempt['number']} failed")
    failure = Failure(told["kind"], told["message"], told["type"], told["traceback"])
    for line in (told["traceback"].rstrip() or reason(failure)).splitlines():
        print(f"  {line}")


# ---- an artifact


def print_artifact(artifact: Document) -> None:
    print(artifact["pathspec"])
    print_facts(_of_artifact(artifact))
    task, _, name = artifact["pathspec"].rpartition("/")
    print(f"\n`dockerflow dump {task} --include {name}` shows its value")


def _of_artifact(artifact: Document) -> Iterator[tuple[str, str]]:
    yield "type", artifact["type"]
    yield "size", f"{size(artifact['size'])} as it is stored"
    yield "sha256", artifact["sha256"]
    yield "made by", artifact["step"] or ("a parameter of the run" if artifact["is_parameter"] else "")
    yield "made with", _libraries(artifact["libraries"])
    yield "blob", artifact["blob"]
