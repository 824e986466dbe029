"""What flows, runs, steps, tasks and artifacts have in common: a pathspec, a parent, and named children.

Objects name what they are of and read the rest from the store when asked, so an object of a run that goes on shows what
there is by now. Two objects are equal if they name the same in the same store. They pickle as their names, with the
store only where the user has named it: one that was stored as an artifact belongs to the store that it is read from,
wherever that is by then. What an object showed when it was made it shows later, whatever the namespace is by then.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from typing import Any, ClassVar, Dict, FrozenSet, Iterator, List, Optional, Tuple, Union

from dockerflow.client.errors import InvalidPathspec, NoStore, NotFound, elsewhere, not_found
from dockerflow.client.namespaces import get_namespace
from dockerflow.client.source import RunSource, run_source
from dockerflow.client.stores import Place, Scope, StoreLike, place_of_reading
from dockerflow.store.base import Store

SHAPES = ("Flow", "Flow/run", "Flow/run/step", "Flow/run/step/task", "Flow/run/step/task/artifact")

# Tasks and artifacts have attempts.
_TASK = 3


class PathObject:
    """One thing in the store, by its pathspec."""

    _by_depth: ClassVar[Dict[int, Any]] = {}
    _what: ClassVar[str] = ""
    _depth: ClassVar[int] = 0
    _lacks: ClassVar[str] = "is not"

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        PathObject._by_depth[cls._depth] = cls

    def __init__(
        self,
        pathspec: str,
        attempt: Union[int, str, None] = None,
        store: StoreLike = None,
        _namespace_check: bool = True,  # the name is Metaflow's
    ) -> None:
        """Find it; `attempt` is for tasks and artifacts, `store` a store's root, see `stores.open_store`.

        Raises NotFound, InvalidPathspec, NamespaceMismatch, or NoStore.
        """
        if isinstance(attempt, str) and os.path.isabs(attempt):
            # Before there were namespaces, the store stood first, and objects were pickled as calls of their class.
            attempt, store, _namespace_check = store, attempt, False  # type: ignore[assignment]
        components = _split(pathspec, self._what, self._depth)
        scope = Scope(Place(store), get_namespace() if _namespace_check else None)
        self._set(components, scope, _checked(attempt, self._what, self._depth))
        self._look()
        if scope.namespace is not None and not self._is_in(scope.namespace):
            raise elsewhere(f"{self._described()} {self._lacks}", scope.namespace, self._all_tags())

    def _set(self, components: Tuple[str, ...], scope: Scope, attempt: Optional[int], above: Any = None) -> None:
        self._components, self._scope, self._attempt, self._above_known = components, scope, attempt, above
        self._source_known: Optional[RunSource] = above._source if above is not None and above._depth > 0 else None

    @classmethod
    def _named(cls, components: Tuple[str, ...], scope: Scope, attempt: Optional[int] = None, above: Any = None) -> Any:
        """The object of this name, without a look whether there is such a thing."""
        made = cls.__new__(cls)
        made._set(components, scope, attempt, above)
        return made

    @classmethod
    def _there(cls, pathspec: str) -> Any:
        """What is known to be there, as `current.task`, in any namespace: no journal is read to look for it."""
        return cls._named(_split(pathspec, cls._what, cls._depth), Scope(Place(), None))

    def _look(self) -> None:
        """Raises NotFound for what is not there, naming what is, the first that is missing on the way down. For what is
        there the store is asked for its run alone: what is remembered of one may have been removed."""
        with suppress(NotFound):
            if (self._depth < 2 or self._source.has_begun()) and self._exists():
                return
        if self._depth > 0:
            self._above._look()
        if not self._exists():
            where = self._above._described() if self._above else f"the store `{self._store.name}`"
            raise not_found(self._what, self.id, where, self._siblings())

    # What each kind says of itself.

    def _exists(self) -> bool:
        return self.id in self._above

    def _siblings(self) -> List[str]:
        """The ids that there are beside this one."""
        return list(self._above._names())

    def _names(self) -> List[str]:
        """The children's ids, in the order of iteration."""
        return []

    # What it is of.

    @property
    def _store(self) -> Store:
        return self._scope.store

    @property
    def _source(self) -> RunSource:
        """The run's, for all but flows."""
        if self._source_known is None:
            self._source_known = run_source(self._store, *self._components[:2])
        return self._source_known

    @property
    def _above(self) -> Any:
        if self._above_known is None and self._depth > 0:
            # What is above was not looked for in the namespace, and shows what it has.
            scope = Scope(self._scope.place, None)
            attempt = self._attempt if self._depth - 1 >= _TASK else None
            above = self._by_depth[self._depth - 1]._named(self._components[:-1], scope, attempt)
            self._above_known = above
        return self._above_known

    def _child(self, name: str) -> Any:
        """A child that is known to be there."""
        attempt = self._attempt if self._depth + 1 >= _TASK else None
        return self._by_depth[self._depth + 1]._named((*self._components, name), self._scope, attempt, self)

    # What users see.

    @property
    def id(self) -> str:
        """The last part of the pathspec."""
        return self._components[-1]

    @property
    def pathspec(self) -> str:
        return "/".join(self._components)

    @property
    def path_components(self) -> List[str]:
        return list(self._components)

    @property
    def parent(self) -> Any:
        """What this is a part of; None for a flow."""
        return self._above

    @property
    def tags(self) -> FrozenSet[str]:
        """The tags of the run, which its steps, tasks and artifacts have too: those of the system and the user's."""
        return self._source.tags

    @property
    def user_tags(self) -> FrozenSet[str]:
        return self._source.user_tags

    @property
    def system_tags(self) -> FrozenSet[str]:
        return self._source.system_tags

    @property
    def origin_pathspec(self) -> Optional[str]:
        """What this was taken over from when its run resumed another; of a run and a step, what they go on with. None
        where there is nothing."""
        return None

    def is_in_namespace(self) -> bool:
        """Whether it is in the namespace of now."""
        ns = get_namespace()
        return ns is None or self._is_in(ns)

    def _is_in(self, ns: str) -> bool:
        return ns in self._source.tags

    def _all_tags(self) -> FrozenSet[str]:
        return self._source.tags

    def __iter__(self) -> Iterator[Any]:
        return (self._child(name) for name in self._names())

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            child = self._by_depth[self._depth + 1]
            raise not_found(child._what, str(name), self._described(), self._names())
        return self._child(str(name))

    def __contains__(self, name: object) -> bool:
        return str(name) in self._names()

    def _filtered_children(self, *tags: str) -> Iterator[Any]:
        """The children; with tags, if their run has all of them."""
        return (child for child in self if child.tags.issuperset(tags)) if tags else iter(self)

    def _ipython_key_completions_(self) -> List[str]:
        return self._names()

    def _described(self) -> str:
        return f"{self._what} `{self.pathspec}`"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PathObject):
            return NotImplemented
        mine, others = (self._components, self._attempt), (other._components, other._attempt)
        return mine == others and self._store_name() == other._store_name()

    def __hash__(self) -> int:
        return hash(self._components)

    def _store_name(self) -> Optional[str]:
        try:
            return self._store.name
        except NoStore:
            return None

    def __repr__(self) -> str:
        attempt = "" if self._attempt is None else f", attempt={self._attempt}"
        return f"{type(self).__name__}('{self.pathspec}'{attempt})"

    def _repr_html_(self) -> str:
        """For notebooks. Raises nothing: what cannot be read is said there."""
        from dockerflow.client import pages  # noqa: PLC0415 - for notebooks alone

        return pages.page(self)

    def __reduce__(self) -> Tuple[Any, ...]:
        arguments = (self._depth, self.pathspec, self._attempt, self._scope.namespace, self._scope.place.given)
        return restored, arguments


def restored(depth: int, pathspec: str, attempt: Optional[int], namespace: Optional[str], given: Optional[str]) -> Any:
    """The object that was pickled. It is looked for when it is used: the store may not be there where it is loaded."""
    place = place_of_reading() if given is None else Place(given)
    return PathObject._by_depth[depth]._named(tuple(pathspec.split("/")), Scope(place, namespace), attempt)


def local_time(seconds: Optional[float]) -> Optional[datetime]:
    """As in Metaflow, times are local and know no zone."""
    return None if seconds is None else datetime.fromtimestamp(seconds)


def _split(pathspec: str, what: str, depth: int) -> Tuple[str, ...]:
    components = tuple(str(pathspec).strip("/").split("/"))
    if len(components) != depth + 1 or not all(components):
        article = "an" if what.startswith("a") else "a"
        message = f"`{pathspec}` cannot name {article} {what}"
        raise InvalidPathspec(message, f"{article} {what} is named `{SHAPES[depth]}`")
    return components


def _checked(attempt: Any, what: str, depth: int) -> Optional[int]:
    """Raises NotFound, as Metaflow does, for what is no attempt's number."""
    if attempt is None:
        return None
    if depth < _TASK:
        raise NotFound(f"a {what} has no attempts", "attempts are those of a task: `Task(pathspec, attempt=0)`")
    try:
        number = int(attempt)
    except (TypeError, ValueError):
        number = -1
    if number < 0:
        raise NotFound(f"`{attempt}` is no number of an attempt", "attempts are counted from 0")
    return number
