"""Results for tasks of steps with `@cache`: looked for among what earlier runs have left, and left for later ones.

All of it happens in a few threads, since it reads the store, and the loop waits for nothing. A key part that cannot be
told, or a store that does not answer, means that a task runs as if its step had no `@cache`; that is said once for each
step. Only what a task has returned itself is left for others: never a failure that `@catch` has caught, and nothing of
which it is not known what parameters it depends on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from queue import SimpleQueue

from dockerflow import progress
from dockerflow.artifacts import codec
from dockerflow.caching import entries, explaining
from dockerflow.caching.entries import Entry, Latest
from dockerflow.caching.key import CannotTell, Key, Part, difference
from dockerflow.environments import lock_file
from dockerflow.environments.errors import EnvironmentsError
from dockerflow.environments.lock import Lock
from dockerflow.flow.view import FOREACH_STACK
from dockerflow.runtime.messages import stack_of
from dockerflow.scheduler.cache_keys import Keys, Subject
from dockerflow.scheduler.values import LookedUp, LookUp
from dockerflow.scheduler.whole import Whole
from dockerflow.store import manifest
from dockerflow.store.base import Store, hash_of
from dockerflow.store.errors import StoreError
from dockerflow.store.records import AttemptFinished

__all__ = ["Reuse"]

# Tasks that are looked up at the same time: each is a handful of small requests to the store.
THREADS = 4

# How long the end of a run waits for what it leaves to others, in seconds.
PATIENCE = 30.0


class Reuse:
    """`tell` takes what is for the loop: an answer to each `look_up`, or what was raised by a mistake of our own."""

    def __init__(
        self, subject: Subject, store: Store, notify: progress.Notify, tell: Callable[[LookedUp | BaseException], None]
    ) -> None:
        self._subject, self._store, self._notify, self._tell = subject, store, notify, tell
        self._keys = Keys(subject, store)
        self._whole = Whole(store.blobs)
        self._of_tasks: dict[str, Key] = {}  # of those that run
        self._todo: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._noted: set[tuple[str, str]] = set()
        self._noting = threading.Lock()
        self._closed = False

    def look_up(self, asked: LookUp) -> None:
        """Answered by `tell`, from another thread."""
        self._do(lambda: None if self._closed else self._tell(self._answer(asked)))

    def leave(self, record: AttemptFinished) -> None:
        """A task that was looked up has ended for good: its result is for others, if it is one."""
        key = self._of_tasks.pop(record.task_id, None)
        if key is not None and record.ok and not record.caught and record.manifest:
            self._do(lambda: self._leave(key, record))

    def close(self) -> None:
        """Wait until what was left is in the store. Nobody hears an answer any more."""
        self._closed = True
        for _ in self._threads:
            self._todo.put(None)
        deadline = time.monotonic() + PATIENCE
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads):
            self._notify(progress.Noted("the store is slow: some results of steps with `@cache` may not be kept there"))

    # ---- threads

    def _do(self, work: Callable[[], None]) -> None:
        self._todo.put(work)
        if len(self._threads) < THREADS:
            thread = threading.Thread(target=self._work, name="cache", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        while (work := self._todo.get()) is not None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised in the loop
                self._tell(error)

    # ---- looking up

    def _answer(self, asked: LookUp) -> LookedUp:
        try:
            key = self._keys.of(asked)
            found, why = self._found(key)
            if found is None:
                self._of_tasks[asked.task_id] = key
            else:
                found = replace(found, result=self._placed(found.result, asked))
        except CannotTell as error:
            self._note(asked.step, f"{error.part}: {error.reason}")
            found, why = None, f"not reused: {error.part}: {error.reason}"
        except StoreError as error:
            self._note(asked.step, f"the store cannot be read: {error.message}")
            found, why = None, f"not reused: {error.message}"
        if self._subject.explain:
            self._notify(progress.TaskLookedUp(asked.step, asked.task_id, found is not None, why))
        return LookedUp(asked.task_id, *((found.result, found.run_id) if found else ()))

    def _placed(self, result: AttemptFinished, asked: LookUp) -> AttemptFinished:
        """With the place in the foreaches of this run: what names a split of the other is gone with that. Raises
        StoreError."""
        blobs, artifacts = self._store.blobs, manifest.read(self._store.blobs, result.manifest or "").artifacts
        others, place = artifacts.get(FOREACH_STACK), stack_of(asked.foreach)
        if others is None or others.sha256 == hash_of(codec.encode(place, FOREACH_STACK).chunks):
            return result
        return replace(result, manifest=manifest.write(blobs, {FOREACH_STACK: place}, artifacts, asked.step))

    def _found(self, key: Key) -> tuple[Entry | None, str]:
        """The result to reuse, and of which task it is; or why there is none."""
        if key.step in self._subject.again:
            return None, "not asked: the step was named to run again, or follows that"
        every = entries.by_names(self._store, key)
        seen = False
        for names in every:
            for entry in entries.matching(self._store, names, self._keys.parameters):
                seen = True
                if self._whole.has(entry.result.manifest or ""):
                    return entry, f"hit: {key.flow}/{entry.run_id}/{key.step}/{entry.result.task_id}"
        return None, f"miss: {self._why_not(key, every, seen)}" if self._subject.explain else ""

    def _why_not(self, key: Key, every: Sequence[Sequence[entries.Name]], seen: bool) -> str:
        if seen:
            return "the result is no longer whole in the store"
        near = next(filter(None, (entries.first(self._store, names) for names in every)), None)
        if near is not None:
            return self._of_parameters(near)
        latest = entries.latest(self._store, key)
        if latest is None:
            return "there is no earlier result to compare with"
        changed = difference(latest.parts, key.parts)
        if changed is None:
            return "the result is no longer in the store"
        told = self._of_packages(key.step, latest) if changed.name == "image" else ""
        return f"image: {told}" if told else explaining.words(changed)

    def _of_parameters(self, near: Entry) -> str:
        """Those that it has read differ, or one that it had is gone."""
        parameters = self._keys.parameters
        then = {**{name: "" for name in near.given if name not in parameters}, **near.read}
        now = {name: parameters[name] for name in near.read if name in parameters}
        changed = difference([Part("parameters", then)], [Part("parameters", now)])
        return explaining.words(changed) if changed else "the result is no longer in the store"

    def _of_packages(self, step: str, latest: Latest) -> str:
        """How the packages differ, where both locks are there."""
        for platform, lock in self._keys.locks(step).items():
            with suppress(StoreError, EnvironmentsError, KeyError):
                before, now = (self._lock(each, platform) for each in (latest.locks[platform], lock))
                told = explaining.packages(before, now)
                if told:
                    return told
        return ""

    def _lock(self, sha256: str, platform: str) -> Lock:
        return lock_file.loads(bytes(self._store.blobs.get(sha256)).decode(), sha256, platform)

    # ---- leaving

    def _leave(self, key: Key, record: AttemptFinished) -> None:
        if record.read is None:
            self._note(key.step, "parameters: it is not known which of them it has read", "its result is not kept")
            return
        if record.attempt and "current.retry_count" in record.read:
            self._note(key.step, "it has asked for `current.retry_count` in a later attempt", "its result is not kept")
            return
        parameters, started = self._keys.parameters, self._subject.started
        read = {name: parameters[name] for name in record.read if name in parameters}
        try:
            entries.put(self._store, key, Entry(started.run_id, record, read, self._keys.given))
            entries.remember(self._store, key, Latest(started.run_id, key.parts, read, self._keys.locks(key.step)))
        except StoreError as error:
            self._note(key.step, f"the store cannot be written: {error.message}", "its result is not kept")

    def _note(self, step: str, why: str, what: str = "") -> None:
        with self._noting:
            if (step, why) in self._noted:
                return
            self._noted.add((step, why))
        told = what or "it is neither looked for in the cache nor kept there"
        self._notify(progress.Noted(f"step `{step}` has `@cache`, and {told}: {why}"))
