"""`inspect`: the record of a run, a step, a task or an artifact, as JSON or laid out for people."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence

from dockerflow.cli import inspecting_tasks
from dockerflow.cli.inspected import Document, Inspected
from dockerflow.cli.pathspecs import Selection, origin_of, select
from dockerflow.cli.places import store_of_runs
from dockerflow.cli.plain import timestamp
from dockerflow.cli.sections import memory, print_facts, print_section
from dockerflow.cli.sentences import reason
from dockerflow.cli.tables import print_json
from dockerflow.cli.words import counted, duration, listed, size
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.base import Store
from dockerflow.store.history import Attempt, TaskHistory

# Characters of a parameter's value, tasks of a step, failures of a run, and packages of an image that are shown.
# `--json` has all.
_VALUE = 120
_TASKS = 100
_FAILURES = 10
_PACKAGES = 12

# How many words the pathspecs have.
_RUN, _STEP, _TASK, _ARTIFACT = 2, 3, 4, 5


@dataclass(frozen=True)
class _Asked:
    """What is to be shown. `words` are those of the pathspec."""

    inspected: Inspected
    selection: Selection
    words: tuple[str, ...]

    @property
    def task(self) -> TaskHistory:
        return self.selection.tasks[0]


def inspect(pathspec: str, as_json: bool, chosen: str | None) -> int:
    """Print what is recorded. Raises NotFound, CommandLineError for what is no pathspec, and StoreError."""
    store = store_of_runs(chosen)
    asked = _asked(store, pathspec)
    if as_json:
        print_json(_document(asked))
    else:
        _PRINT[len(asked.words)](asked)
    return 0


def _asked(store: Store, pathspec: str) -> _Asked:
    words = tuple(pathspec.strip("/").split("/"))
    is_artifact = len(words) == _ARTIFACT and all(words)
    selection = select(store, "/".join(words[:-1]) if is_artifact else pathspec)
    return _Asked(Inspected(store, selection), selection, words)


def _document(asked: _Asked) -> Document:
    inspected, words = asked.inspected, asked.words
    if len(words) <= _STEP:
        return inspected.with_tasks(inspected.run() if len(words) == _RUN else inspected.step(words[2]))
    return inspected.task(asked.task) if len(words) == _TASK else inspected.artifact(asked.task, words[4])


def _print_task(asked: _Asked) -> None:
    task = {**asked.inspected.task(asked.task), "status": _status(asked, asked.task)}
    inspecting_tasks.print_task(task, asked.inspected.step(asked.words[2]))


def _print_artifact(asked: _Asked) -> None:
    inspecting_tasks.print_artifact(asked.inspected.artifact(asked.task, asked.words[4]))


# ---- a run


def _print_run(asked: _Asked) -> None:
    run, by_step = asked.inspected.run(), asked.selection.run.tasks_by_step
    took = f" after {duration(run['finished'] - run['started'])}" if run["finished"] else ""
    print(f"{run['pathspec']}  {run['status']}{took}")
    print_facts(_of_run(run))
    lost = [("cannot be read:", run["unreadable"])] if run["unreadable"] else []
    print_section("parameters", lost or [_parameter(each) for each in run["parameters"]])
    titles = ("step", "tasks", "took", "CPU", "peak memory")
    print_section("steps", [titles, *(_step_row(asked, name, tasks) for name, tasks in by_step.items())])
    _print_environments(run["steps"])
    _print_failures(asked.selection)


def _of_run(run: Document) -> Iterator[tuple[str, str]]:
    machine, git = run["machine"] or {}, run["git"]
    yield "reason", run["reason"]
    yield "started", timestamp(run["started"])
    yield "finished", timestamp(run["finished"]) if run["finished"] else ""
    yield "user", run["user"]
    yield "machine", ", ".join(filter(None, (machine.get("name"), machine.get("platform"), _python(machine))))
    yield "dockerflow", run["dockerflow"]
    yield "command", shlex.join(run["command"])
    yield "code", f"{run['code']['sha256']} ({run['code']['flow_file']})"
    yield "git", _git(git) if git else ""
    yield "tags", ", ".join(run["tags"])
    yield "resumes", run["resumes"] or ""
    yield "reproduces", run["reproduces"] or ""


def _python(machine: Document) -> str:
    return f"Python {machine['python']}" if machine.get("python") else ""


def _git(git: Document) -> str:
    """`0123abc… on main, with uncommitted changes, from https://host/flows.git`."""
    changes = {True: ", with uncommitted changes", False: "", None: ", perhaps with uncommitted changes"}[git["dirty"]]
    branch = f" on `{git['branch']}`" if git["branch"] else ""
    remote = f", from {git['remote']}" if git["remote"] else ""
    return f"{git['commit'] or 'no commit yet'}{branch}{changes}{remote}"


def _parameter(each: Document) -> tuple[str, ...]:
    if each["file"]:
        return each["name"], "a file", f"{size(each['file']['size'])}, sha256 {each['file']['sha256']}"
    if each["unreadable"]:
        return each["name"], each["type"], f"cannot be read: {each['unreadable']}"
    text = each["text"]
    if text is None:
        return each["name"], each["type"], f"{size(each['size'])}, sha256 {each['sha256']}"
    return each["name"], each["type"], text if len(text) <= _VALUE else f"{text[:_VALUE]}… ({len(text):,} characters)"


def _step_row(asked: _Asked, name: str, tasks: Sequence[TaskHistory]) -> tuple[str, ...]:
    counts = Counter(_status(asked, task) for task in tasks)
    told = ", ".join(f"{count:,} {status}" for status, count in counts.items()) or "none"
    ran = (task for task in tasks if origin_of(asked.selection, task) is None)
    return name, told, *_used([one for task in ran for one in task.attempts if one.finished])


def _status(asked: _Asked, task: TaskHistory) -> str:
    """As a reader means it: nothing runs or waits any more in a run that is over, and what was reused did not run."""
    if origin_of(asked.selection, task):
        return "reused"
    if task.result or asked.inspected.status == "running":
        return task.status
    return "cut off" if task.attempts else "not begun"


def _used(attempts: Sequence[Attempt]) -> tuple[str, str, str]:
    """From the first beginning to the last end, the CPU of all, and the memory of the largest."""
    ended = [one.finished for one in attempts if one.finished]
    if not ended:
        return "", "", ""
    begun = [one.started.time for one in attempts if one.started]
    took = max(one.time for one in ended) - min(begun) if begun else sum(one.seconds for one in ended)
    processor = sum(one.user_seconds + one.system_seconds for one in ended)
    return duration(took), duration(processor), memory(max(one.peak_memory for one in ended))


def _print_failures(selection: Selection) -> None:
    failed = [task for task in selection.tasks if task.status == "failed"]
    more = f", the first {_FAILURES} of {len(failed):,}" if len(failed) > _FAILURES else ""
    print_section(f"failed{more}", [(selection.pathspec(task), _why(task)) for task in failed[:_FAILURES]])


def _why(task: TaskHistory) -> str:
    return reason(task.latest.failure) if task.latest and task.latest.failure else ""


# ---- a step


def _print_step(asked: _Asked) -> None:
    step, tasks = asked.inspected.step(asked.words[2]), asked.selection.tasks
    print(f"{step['pathspec']}  {counted(len(tasks), 'task')}")
    print_facts(_of_step(step))
    _print_environments([step])
    chosen = tasks
    if len(tasks) > _TASKS:  # what went wrong first
        chosen = tuple(sorted(tasks, key=lambda task: task.status == "succeeded")[:_TASKS])
    titles = ("task", "index", "status", "attempts", "host", "took", "CPU", "peak memory", "exit")
    print_section("tasks", [titles, *(_task_row(asked, task) for task in chosen)] if tasks else [])
    if len(chosen) < len(tasks):
        print(f"  and {counted(len(tasks) - len(chosen), 'task')} more, which `--json` has")


def _of_step(step: Document) -> Iterator[tuple[str, str]]:
    yield "what", step["doc"].strip().partition("\n")[0]
    yield "next", ", ".join(step["next"])
    yield "foreach", f"`{step['foreach']}`" if step["foreach"] else ""
    yield "switch", f"`{step['condition']}`" if step["condition"] else ""
    yield "joins", "yes" if step["join"] else ""


def _task_row(asked: _Asked, task: TaskHistory) -> tuple[str, ...]:
    index = "/".join(str(frame[2]) for frame in task.created.foreach)
    begun = next((one.started for one in reversed(task.attempts) if one.started), None)
    row = (task.created.task_id, index, _status(asked, task), str(len(task.attempts)), begun.host if begun else "")
    ended = task.latest
    if ended is None:
        return (*row, "", "", "", "")
    processor = duration(ended.user_seconds + ended.system_seconds)
    told = f"{_why(task)}{', caught' if ended.caught else ''}" if ended.failure else "ok"
    return (*row, duration(ended.seconds), processor, memory(ended.peak_memory), told)


# ---- the images of steps


def _print_environments(steps: Sequence[Document]) -> None:
    """Each once, with the steps that it is of."""
    users: dict[tuple[str, str, str], list[str]] = {}
    known: dict[tuple[str, str, str], Document] = {}
    for step in steps:
        for one in step["environments"]:
            key = (one["image"], one["platform"], one["config_digest"])
            known[key] = one
            users.setdefault(key, []).append(step["name"])
    for key, names in users.items():
        print(f"\nimage of {listed(tuple(names), 8)}" if len(steps) > 1 else "\nimage")
        print_facts(_of_environment(known[key]))
    if len(steps) > 1 and not users:
        print("\nno images: the steps ran in the machine's own Python")


def _of_environment(one: Document) -> Iterator[tuple[str, str]]:
    packages = sorted(one["packages"] or (), key=lambda package: not package["requested"])  # what was asked for first
    named = tuple(f"{package['name']} {package['version']}" for package in packages)
    yield "name", one["image"]
    yield "config digest", one["config_digest"]
    yield "manifest digest", one["manifest_digest"]
    yield "in a registry", one["repository_digest"]
    yield "base", f"{one['base']['name']} {one['base']['digest']}" if one["base"] else ""
    yield "lock", one["lock"]
    yield "made by", one["transform"]
    yield "platform", one["platform"]
    yield "python", one["python_version"]
    yield "packages", "the lock is not in the store" if one["packages"] is None else listed(named, _PACKAGES)


_PRINT = {_RUN: _print_run, _STEP: _print_step, _TASK: _print_task, _ARTIFACT: _print_artifact}
