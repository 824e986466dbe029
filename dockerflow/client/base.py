"""What flows, runs, steps, tasks and artifacts have in common: a pathspec, a parent, and named children.

Objects name what they are of and read the rest from the store when asked, so an object of a run that goes on shows what
there is by now. Two objects are equal if they name the same in the same store. They pickle as their names.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Dict, Iterator, List, Optional, Tuple

from dockerflow.client.errors import InvalidPathspec, not_found
from dockerflow.client.source import StoreLike, open_store
from dockerflow.store.directory import DirectoryStore

SHAPES = ("Flow", "Flow/run", "Flow/run/step", "Flow/run/step/task", "Flow/run/step/task/artifact")


class PathObject:
    """One thing in the store, by its pathspec."""

    _by_depth: ClassVar[Dict[int, Any]] = {}
    _what: ClassVar[str] = ""
    _depth: ClassVar[int] = 0

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        PathObject._by_depth[cls._depth] = cls

    def __init__(self, pathspec: str, store: StoreLike = None) -> None:
        """Find it. Raises NotFound, InvalidPathspec, or NoStore; `store` is a store's root, see `source.open_store`."""
        self._components = _split(pathspec, self._what, self._depth)
        self._store: DirectoryStore = open_store(store)
        self._above: Any = None
        if self._depth > 0:
            self._above = self._by_depth[self._depth - 1]("/".join(self._components[:-1]), self._store)
        if not self._exists():
            where = self._above._described() if self._above else f"the store `{self._store.root}`"
            raise not_found(self._what, self.id, where, self._siblings())
        self._complete()

    @classmethod
    def _found(cls, above: PathObject, name: str) -> Any:
        """A child that is known to be there."""
        made = cls.__new__(cls)
        made._components, made._store, made._above = (*above._components, name), above._store, above
        made._complete()
        return made

    # What each kind says of itself.

    def _exists(self) -> bool:
        return self.id in self._siblings()

    def _siblings(self) -> List[str]:
        """The ids that there are beside this one."""
        return list(self._above._names())

    def _names(self) -> List[str]:
        """The children's ids, in the order of iteration."""
        return []

    def _complete(self) -> None:
        """Take what the object needs besides its name."""

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

    def __iter__(self) -> Iterator[Any]:
        child = self._by_depth[self._depth + 1]
        return (child._found(self, name) for name in self._names())

    def __getitem__(self, name: str) -> Any:
        child = self._by_depth[self._depth + 1]
        if name not in self:
            raise not_found(child._what, str(name), self._described(), self._names())
        return child._found(self, str(name))

    def __contains__(self, name: object) -> bool:
        return str(name) in self._names()

    def _ipython_key_completions_(self) -> List[str]:
        return self._names()

    def _described(self) -> str:
        return f"{self._what} `{self.pathspec}`"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PathObject):
            return NotImplemented
        return (self._components, self._store.root) == (other._components, other._store.root)

    def __hash__(self) -> int:
        return hash(self._components)

    def __repr__(self) -> str:
        return f"{type(self).__name__}('{self.pathspec}')"

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), (self.pathspec, str(self._store.root))


def local_time(seconds: Optional[float]) -> Optional[datetime]:
    """As in Metaflow, times are local and know no zone."""
    return None if seconds is None else datetime.fromtimestamp(seconds)


def _split(pathspec: str, what: str, depth: int) -> Tuple[str, ...]:
    components = tuple(str(pathspec).strip("/").split("/"))
    if len(components) != depth + 1 or not all(components):
        raise InvalidPathspec(f"`{pathspec}` cannot name a {what}", f"a {what} is named `{SHAPES[depth]}`")
    return components
