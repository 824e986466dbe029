"""`debug`: from a pathspec to a session in the task's image, and from its end to an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dockerflow.cli import sentences
from dockerflow.cli.errors import CommandLineError
from dockerflow.cli.pathspecs import Selection, select
from dockerflow.cli.places import config_here, store_of_runs
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.scheduler.past import failures, task_again
from dockerflow.store.base import Store
from dockerflow.store.errors import MissingBlob
from dockerflow.store.history import TaskHistory

if TYPE_CHECKING:
    from dockerflow.debugging.code import Code
    from dockerflow.debugging.subject import Subject, Wanted

# So many tasks are named where one of several has to be chosen.
_SHOWN = 5


@dataclass(frozen=True)
class Chosen:
    """What the command line says; `run` is None where it says nothing about that."""

    pathspec: str
    shell: bool = False
    notebook: bool = False
    run: bool | None = None
    file: Path | None = None
    code: Path | None = None
    env: tuple[str, ...] = ()
    host: str | None = None
    store: str | None = None


def debug(chosen: Chosen) -> int:
    """Be in a session until it ends; the exit code of the session. Raises DockerflowError."""
    _check(chosen)
    variables = dict(_variable(text) for text in chosen.env)
    store = store_of_runs(chosen.store)
    selection = select(store, chosen.pathspec)
    subject = _subject(store, selection, _task(selection, chosen.pathspec))
    wanted = _wanted(chosen, subject, variables)
    _tell_of(subject)
    with _code(chosen, subject) as code:
        return _session(chosen, subject, wanted, code)


def _check(chosen: Chosen) -> None:
    for one, other in (("shell", "notebook"), ("file", "code")):
        if getattr(chosen, one) and getattr(chosen, other):
            raise CommandLineError(f"`--{one}` and `--{other}` exclude each other", "leave one of the two out")


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name.isidentifier():
        raise CommandLineError(f"`--env {text}` names no variable", "write `--env NAME` or `--env NAME=VALUE`")
    if equals:
        return name, value
    if name not in os.environ:
        raise CommandLineError(f"the variable `{name}` is not set here", f"write `--env {name}=VALUE`")
    return name, os.environ[name]


def _task(selection: Selection, pathspec: str) -> TaskHistory:
    """The task that is meant: the one that there is, or the first that failed."""
    where = pathspec.strip("/")
    if len(selection.tasks) == 1:
        return selection.tasks[0]
    failed = failures(selection.tasks)
    if len(failed) > 1:
        others = _listed(selection, failed[1:])
        _tell(f"{len(failed)} tasks of `{where}` failed; this is the first. Others: {others}")
    if failed:
        return failed[0]
    if selection.tasks:
        raise CommandLineError(
            f"none of the {len(selection.tasks)} tasks of `{where}` has failed",
            f"name the one that is meant: {_listed(selection, selection.tasks)}",
        )
    bad = failures(selection.run.tasks.values())
    hint = f"the run failed in {_listed(selection, bad)}" if bad else "`dockerflow logs` tells how far the run came"
    raise CommandLineError(f"`{where}` has no task: it was not reached", hint)


def _listed(selection: Selection, tasks: list[TaskHistory] | tuple[TaskHistory, ...]) -> str:
    named = ", ".join(f"`{selection.pathspec(task)}`" for task in tasks[:_SHOWN])
    return f"{named}, …" if len(tasks) > _SHOWN else named


def _subject(store: Store, selection: Selection, task: TaskHistory) -> Subject:
    from dockerflow.debugging.subject import Subject

    request, started = task_again(selection.run, task), selection.run.started
    assert started is not None, "a run with tasks has begun"  # noqa: S101 - `task_again` has looked
    step = selection.run.steps[task.created.step]
    wanted = {"the run's code": started.code, "its parameters": started.parameters}
    wanted.update((f"the artifacts of task `{each.step}/{each.task_id}`", each.manifest) for each in request.inputs[:1])
    for what, sha256 in wanted.items():
        if not store.blobs.has(sha256):
            raise MissingBlob(
                f"{what} of `{selection.flow}/{selection.run_id}` {'is' if 'code' in what else 'are'} no longer in the"
                f" store `{store.name}`: blob `{sha256}`",
                "name another store with `--store`, or run the flow again",
            )
    return Subject(store, started, step, task, request)


def _wanted(chosen: Chosen, subject: Subject, variables: dict[str, str]) -> Wanted:
    from dockerflow.debugging.jupyter import listening
    from dockerflow.debugging.subject import Wanted

    run = bool(failures([subject.task])) if chosen.run is None else chosen.run
    if chosen.notebook:
        return Wanted("notebook", False, variables, listening())
    return Wanted("shell" if chosen.shell else "python", run, variables)


def _tell_of(subject: Subject) -> None:
    latest = subject.task.latest
    how = subject.task.status
    if latest is not None and latest.failure is not None:
        how = f"failed{', caught' if latest.caught else ''}: {sentences.reason(latest.failure)}"
    _tell(f"{subject.pathspec}  {how}")
    if latest is not None and latest.failure is not None and latest.failure.kind == "out_of_memory":
        _tell("here it has as much memory as the engine")
    if subject.request.gang is not None:
        _tell("it was one of a gang of tasks; here it is alone, and waits in vain for the others")


@contextmanager
def _code(chosen: Chosen, subject: Subject) -> Iterator[Code]:
    from dockerflow.debugging import code

    store, started = subject.store, subject.started
    if chosen.file is not None:
        yield code.own(store, started, chosen.file)
    elif chosen.code is not None:
        yield code.kept(store, started, chosen.code)
    else:
        with code.recorded(store, started, _tell) as found:
            yield found


def _session(chosen: Chosen, subject: Subject, wanted: Wanted, code: Code) -> int:
    config = config_here()
    file = code.folder / code.flow_file
    if not (subject.step.image or subject.step.config_digest):
        from dockerflow.debugging import process

        if chosen.host is not None:
            raise CommandLineError(
                f"the task of `{subject.pathspec}` had no image: it was a process of its machine", "leave `--host` out"
            )
        _tell(f"a process of this Python, as the task was; edit {file}, and what you change holds from `again()` on")
        return process.run(subject, wanted, code, config)
    from dockerflow.debugging import container

    with container.reached(config, chosen.host) as host:
        session = container.session(subject, wanted, code, host, config, _tell)
        if chosen.notebook:
            session = container.with_jupyter(session, config, _tell)
        _tell(f"image {session.image} on {host.name}; nothing of the session is kept")
        if session.sees_folders:
            _tell(f"edit {file}, and what you change holds from `again()` on")
        else:
            _tell(f"the flow's files are copied to the host `{host.name}`: edits here do not get there")
        return container.run(session)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
