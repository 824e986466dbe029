"""What is known of one run: its history and its tags. Objects of a run share it, so that its journal is read once."""

from __future__ import annotations

from contextlib import suppress
from typing import Dict, FrozenSet, List, Mapping, Optional, Tuple
from weakref import WeakValueDictionary

from dockerflow.client.ahead import ReadAhead
from dockerflow.client.errors import TaggingError, not_found
from dockerflow.client.stores import outbox_for
from dockerflow.store import history, journal, run_tags, runs
from dockerflow.store.base import Store
from dockerflow.store.history import RunHistory
from dockerflow.store.overview import Listed
from dockerflow.store.records import RunStarted
from dockerflow.store.run_artifacts import RunArtifacts
from dockerflow.store.tags import Change

# So many runs are remembered although nobody holds an object of theirs: a loop over pathspecs reads each once.
REMEMBERED = 4


class RunSource:
    """One run's history, read again when the run has written more since, and its tags."""

    def __init__(self, store: Store, flow: str, run_id: str) -> None:
        self.store, self.flow, self.run_id = store, flow, run_id
        self._segments: Optional[List[str]] = None
        self._named: Optional[List[str]] = None  # segments when one looked whether there are any
        self._seen: Optional[List[str]] = None  # segments that a listing has shown: one, as of a run that is over
        self._history = RunHistory()
        self._begun: Optional[RunStarted] = None
        self.ahead = ReadAhead()
        self._artifacts: Optional[RunArtifacts] = None
        self._children: Tuple[RunHistory, Mapping[str, List[str]]] = (self._history, {})

    def has_begun(self) -> bool:
        """Whether the run has written anything, by now."""
        self._named = self.store.children(runs.journal_key(self.flow, self.run_id))
        return bool(self._named)

    @property
    def history(self) -> RunHistory:
        if self._history.finished is None and self._seen is not None:
            segments, self._seen = self._seen, None
            self._history, self._segments = history.read(self.store, self.flow, self.run_id, segments), segments
        if self._history.finished is None:
            segments = self.store.children(runs.journal_key(self.flow, self.run_id))
            if segments != self._segments:
                self._history = history.read(self.store, self.flow, self.run_id, segments)
                self._segments = segments
        return self._history

    @property
    def begun(self) -> RunStarted:
        """How the run began. Raises NotFound for one that is not there."""
        started = self._started
        if started is None:
            raise not_found("run", self.run_id, f"flow `{self.flow}`", runs.run_ids(self.store, self.flow))
        return started

    @property
    def _started(self) -> Optional[RunStarted]:
        if self._begun is None:
            named, self._named = self._named, None
            first = self._history.started or journal.first(self.store, self.flow, self.run_id, named)
            self._begun = first if isinstance(first, RunStarted) else None
        return self._begun

    @property
    def _is_torn(self) -> bool:
        """Whether a power cut has taken the run's beginning, and with it its tags."""
        return self._started is None and self.has_begun()

    @property
    def artifacts(self) -> RunArtifacts:
        if self._artifacts is None:
            self._artifacts = RunArtifacts(self.store.blobs, self._started)
        return self._artifacts

    def children(self, task_id: str) -> List[str]:
        """The tasks that were given this one's artifacts, as they were created."""
        seen, children = self.history, self._children[1]
        if self._children[0] is not seen:
            found: Dict[str, List[str]] = {}
            for child, task in seen.tasks.items():
                for parent in task.created.inputs:
                    found.setdefault(parent, []).append(child)
            self._children, children = (seen, found), found
        return children.get(task_id, [])

    def tags_of(self, listed: Listed) -> FrozenSet[str]:
        """The tags, where one has just looked at all runs: the server need not be asked again what each has."""
        segments = sorted(listed.segments)
        if self._history.started is None and self._begun is None:
            first = journal.first(self.store, self.flow, self.run_id, segments)
            self._begun = first if isinstance(first, RunStarted) else None
        if self._segments is None and len(segments) == 1:
            self._seen = segments
        return self._user_tags(listed.tags) | self.system_tags

    @property
    def user_tags(self) -> FrozenSet[str]:
        """With the changes that this task has asked for, where a task runs."""
        return self._user_tags(None)

    def _user_tags(self, listed: Optional[List[str]]) -> FrozenSet[str]:
        if self._is_torn:
            return frozenset()
        found = run_tags.read(self.store, self.begun, listed)
        for asked in self._asked():
            with suppress(TaggingError):  # others have changed what it was asked for
                found = asked.change.apply(found, self.system_tags)
        return found

    def _asked(self) -> List[run_tags.Asked]:
        outbox = outbox_for(self.store)
        mine = (self.flow, self.run_id)
        return [one for one in run_tags.asked(outbox) if (one.flow, one.run_id) == mine] if outbox else []

    @property
    def system_tags(self) -> FrozenSet[str]:
        return frozenset() if self._is_torn else run_tags.system_tags(self.begun)

    @property
    def tags(self) -> FrozenSet[str]:
        return self.user_tags | self.system_tags

    def change_tags(self, change: Change) -> None:
        """In the store, or in a task by its outbox. Raises TaggingError, and has changed nothing then."""
        outbox = outbox_for(self.store)
        if outbox is None:
            run_tags.mutate(self.store, self.begun, change)
        elif change.apply(self.user_tags, self.system_tags) != self.user_tags:
            run_tags.ask(outbox, self.flow, self.run_id, change)


_known: WeakValueDictionary[Tuple[str, str, str], RunSource] = WeakValueDictionary()
_latest: List[RunSource] = []


def run_source(store: Store, flow: str, run_id: str) -> RunSource:
    """The same for all objects of a run, as long as one is held."""
    key = (store.name, flow, run_id)
    source = _known.get(key)
    if source is None:
        source = _known[key] = RunSource(store, flow, run_id)
        _latest.append(source)
        del _latest[:-REMEMBERED]
    return source
