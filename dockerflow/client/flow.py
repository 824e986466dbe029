"""What has runs: all flows of a store, and one of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, FrozenSet, Iterator, List, Optional, Tuple

from dockerflow.client.base import PathObject
from dockerflow.client.errors import NamespaceMismatch, elsewhere, not_found
from dockerflow.client.namespaces import get_namespace
from dockerflow.client.run import Run
from dockerflow.client.source import run_source
from dockerflow.client.stores import Place, Scope, StoreLike
from dockerflow.store import overview, runs

# So many runs are looked at together, at most, for those in the namespace.
_BATCH = 64


class Flow(PathObject):
    """A flow by its name: `Flow("GenreStats")`. Iterating gives its runs in the namespace, the newest first."""

    _what, _depth = "flow", 0
    _lacks = "has no run"

    @property
    def latest_run(self) -> Optional[Run]:
        """The newest run, whatever became of it."""
        return next(iter(self), None)

    @property
    def latest_successful_run(self) -> Optional[Run]:
        return next((run for run in self if run.successful), None)

    def runs(self, *tags: str) -> Iterator[Run]:
        """The runs that have all these tags, the newest first."""
        return self._filtered_children(*tags)

    @property
    def created_at(self) -> Optional[datetime]:
        """When its first run began."""
        ids = runs.run_ids(self._store, self.id)
        return self._child(ids[-1]).created_at if ids else None

    @property
    def tags(self) -> FrozenSet[str]:
        """Runs have tags, flows have none."""
        return frozenset()

    user_tags = system_tags = tags

    def __iter__(self) -> Iterator[Run]:
        """Lazily: whether a run is in the namespace is in its journal."""
        return (self._child(run_id) for run_id in self._in(self._scope.namespace))

    def __getitem__(self, run_id: str) -> Run:
        run: Run = super().__getitem__(run_id)
        ns = self._scope.namespace
        if ns is not None and not run._is_in(ns):
            raise elsewhere(f"{run._described()} {run._lacks}", ns, run.tags)
        return run

    def __contains__(self, run_id: object) -> bool:
        return run_source(self._store, self.id, str(run_id)).has_begun()

    def _exists(self) -> bool:
        return self.id in self._siblings()

    def _siblings(self) -> List[str]:
        return runs.flow_names(self._store)

    def _names(self) -> List[str]:
        return list(self._in(self._scope.namespace))

    def _is_in(self, ns: str) -> bool:
        return next(self._in(ns), None) is not None

    def _in(self, ns: Optional[str]) -> Iterator[str]:
        store = self._store
        if ns is None:
            yield from runs.run_ids(store, self.id)
            return
        listed = overview.listed(store, self.id)
        run_ids = list(listed)
        done, batch = 0, 1  # who wants the newest alone does not wait for more, who wants all waits for many at a time
        while done < len(run_ids):
            some = run_ids[done : done + batch]
            sources = [run_source(store, self.id, run_id) for run_id in some]  # known as long as they are held here
            tags = store.each(lambda source: source.tags_of(listed[source.run_id]), sources)
            yield from (run_id for run_id, of_run in zip(some, tags) if ns in of_run)
            done, batch = done + batch, min(2 * batch, _BATCH)

    def _all_tags(self) -> FrozenSet[str]:
        """Of the newest run, to say whose they are."""
        run_id = next(self._in(None), None)
        return frozenset() if run_id is None else run_source(self._store, self.id, run_id).tags


class Metaflow:
    """All flows that have runs in the namespace, sorted by name: `Metaflow().flows`."""

    def __init__(self, store: StoreLike = None) -> None:
        self._place = Place(store)

    @property
    def flows(self) -> List[Flow]:
        return list(self)

    def __iter__(self) -> Iterator[Flow]:
        for name in self._names():
            ns = get_namespace()
            flow: Flow = Flow._named((name,), Scope(self._place, ns))
            if ns is None or flow._is_in(ns):
                yield flow

    def __getitem__(self, name: str) -> Flow:
        if name not in self._names():
            raise not_found("flow", name, f"the store `{self._place.store.name}`", self._names())
        flow: Flow = Flow._named((name,), Scope(self._place, get_namespace()))
        if not flow.is_in_namespace():
            raise elsewhere(f"{flow._described()} {flow._lacks}", str(get_namespace()), flow._all_tags())
        return flow

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(self[str(name)], Flow)
        except (KeyError, NamespaceMismatch):
            return False

    def _names(self) -> List[str]:
        return runs.flow_names(self._place.store)

    def _ipython_key_completions_(self) -> List[str]:
        return [flow.id for flow in self]

    def _repr_html_(self) -> str:
        from dockerflow.client import pages  # noqa: PLC0415 - for notebooks alone

        return pages.page(self, pages.flows)

    def __repr__(self) -> str:
        return "Metaflow()"

    def __reduce__(self) -> Tuple[Any, ...]:
        return Metaflow, (self._place.given,)
