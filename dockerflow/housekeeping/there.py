"""Which blobs a store has, with their sizes: listed once where all are asked for, else asked for one by one."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from dockerflow.store.base import YOUNG, BlobInfo, Store
from dockerflow.store.errors import MissingBlob


class There:
    """`everything`: all blobs will be asked for, so a listing costs less; it is made at the first question."""

    def __init__(self, store: Store, everything: bool) -> None:
        self._store = store
        self._everything = everything

    def sizes(self, blobs: Iterable[str]) -> dict[str, int]:
        """Of those that are there, in bytes."""
        if self._everything:
            return {each: self._listed[each].size for each in blobs if each in self._listed}
        asked = list(blobs)
        found = zip(asked, self._store.each(self._size, asked), strict=True)
        return {sha256: size for sha256, size in found if size is not None}

    def is_young(self, sha256: str) -> bool:
        """Whether nobody will delete it soon, as far as that is known; see `YOUNG`."""
        found = self._listed.get(sha256) if self._everything else None
        return found is not None and found.modified > self._now - YOUNG

    def _size(self, sha256: str) -> int | None:
        try:
            return self._store.blobs.size(sha256)
        except MissingBlob:
            return None

    @cached_property
    def _listed(self) -> dict[str, BlobInfo]:
        return {found.sha256: found for found in self._store.blobs.every()}

    @cached_property
    def _now(self) -> float:
        return self._store.blobs.now()
