"""The keys of a run's tasks of steps with `@cache`: what each part of one is made of, see `caching`."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from dockerflow.caching import parts
from dockerflow.caching.code import Code
from dockerflow.caching.key import CannotTell, Key, Part, Parts
from dockerflow.flow.custom import custom_on
from dockerflow.flow.decorators import written_on
from dockerflow.flow.definition import Project
from dockerflow.flow.loading import LoadedFlow
from dockerflow.flow.members import classes_of
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.runtime.messages import Input
from dockerflow.scheduler.values import LookUp
from dockerflow.store import code_package, manifest
from dockerflow.store.base import Store
from dockerflow.store.records import RunStarted, StepRecord

__all__ = ["Keys", "Subject"]


@dataclass(frozen=True)
class Subject:
    """The run whose tasks are looked up. The steps in `again` are to run whatever is there, and their results come
    before older ones. With `explain` each answer is told with its reason. `namespace` is what tasks are told."""

    loaded: LoadedFlow
    started: RunStarted
    project: Project | None = None
    explain: bool = False
    again: frozenset[str] = frozenset()
    namespace: str = ""


class Keys:
    """The keys of a run's tasks. Threads share it."""

    def __init__(self, subject: Subject, store: Store) -> None:
        self._subject, self._store = subject, store
        self._of_steps: dict[str, Parts | CannotTell] = {}
        self._making = threading.Lock()
        self._read = lru_cache(maxsize=256)(self._hashes)
        self._inputs = lru_cache(maxsize=64)(self._of_inputs)

    def of(self, asked: LookUp) -> Key:
        """Raises CannotTell, StoreError."""
        flow = self._subject.loaded.flow
        found = [*self._of_step(asked.step), self._inputs(asked.inputs), parts.foreach(self._read, asked.foreach)]
        return Key(flow.name, asked.step, parts.place(asked.foreach), parts.ordered(found))

    @cached_property
    def parameters(self) -> Mapping[str, str]:
        """The hashes of the values of the run's, and of what `current` says of it. Raises StoreError."""
        subject, started = self._subject, self._subject.started
        said = parts.current(subject.loaded.flow, started.tags, started.user, subject.namespace)
        return {**self._hashes(started.parameters), **said}

    @property
    def given(self) -> tuple[str, ...]:
        """The names of the run's parameters. Raises StoreError."""
        return tuple(sorted(self._hashes(self._subject.started.parameters)))

    def locks(self, step: str) -> dict[str, str]:
        record = self._record(step)
        return {each.platform: each.lock for each in (record, *record.elsewhere) if each.lock}

    def _hashes(self, sha256: str) -> Mapping[str, str]:
        return {name: ref.sha256 for name, ref in manifest.read(self._store.blobs, sha256).artifacts.items()}

    def _of_inputs(self, given: tuple[Input, ...]) -> Part:
        if len(given) > 1:
            self._store.blobs.read_ahead([each.manifest for each in given])
        return parts.inputs(self._read, given, self._subject.loaded.flow.given_names())

    def _of_step(self, step: str) -> Parts:
        with self._making:
            if step not in self._of_steps:
                try:
                    self._of_steps[step] = self._made(step)
                except CannotTell as error:
                    self._of_steps[step] = error
            found = self._of_steps[step]
        if isinstance(found, CannotTell):
            raise found
        return found

    def _made(self, step: str) -> Parts:
        loaded = self._subject.loaded
        return (
            parts.image(self._record(step)),
            Part("code", self._code.reached_by(step)),
            parts.configs(loaded.given.values),
            parts.options(loaded.flow.steps[step], getattr(loaded.cls, step), self._subject.project),
        )

    def _record(self, step: str) -> StepRecord:
        return next(each for each in self._subject.started.steps if each.name == step)

    @cached_property
    def _code(self) -> Code:
        """What travels with the flow: what is hashed is what runs."""
        loaded, started = self._subject.loaded, self._subject.started
        files = code_package.user_files(bytes(self._store.blobs.get(started.code)))
        folder = Path(loaded.flow.file).parent
        return Code(
            files=files,
            flow_file=started.flow_file,
            steps={step.name: (_below(step.file, folder), step.line) for step in loaded.flow.steps.values()},
            given=frozenset(loaded.flow.given_names()),
            decorators=frozenset(
                (_below(written.file, folder), written.line)
                for each in _decorated(loaded)
                for written in written_on(each)
            ),
            roots=tuple(sorted(_modules(loaded))),
        )


def _below(file: str, folder: Path) -> str:
    """A file as the code package has it; empty for one that lies elsewhere."""
    for root in (folder, folder.resolve()):
        with suppress(ValueError):
            return Path(file).relative_to(root).as_posix()
    return ""


def _decorated(loaded: LoadedFlow) -> list[Any]:
    """What decorators may stand on: the classes of the flow, and its steps."""
    return [*classes_of(loaded.cls), *(getattr(loaded.cls, name) for name in loaded.flow.steps)]


def _modules(loaded: LoadedFlow) -> set[str]:
    """Of decorators that users have written: the command line may name one that nothing imports."""
    return {type(custom).__module__ for each in _decorated(loaded) for custom in custom_on(each)}
