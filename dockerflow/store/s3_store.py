"""The store in a bucket: the same keys as in a folder, below the bucket's prefix.

    <prefix>/blobs/…            see `s3_blobs`
    <prefix>/<key>              one object per key

Works on any client of a bucket (`s3.objects`): the host's on the minio SDK, a step container's own small one. What
several must not do at once is decided by the server, which puts an object only if there is none when it is asked to.

A bucket knows no locks that end with their owner. So who holds a key writes it anew every few seconds, and lives as
long as that was not long ago, by the server's clock. On the owner's own machine one need not wait: there the process
is looked at.
"""

from __future__ import annotations

import json
import os
import platform
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Union

from dockerflow.store import living
from dockerflow.store.base import Chunk, Ends, Item, KeyInfo, Result, Store, Waiting, check_key, first_of, last_of
from dockerflow.store.beating import BEAT, LIFE, beating
from dockerflow.store.errors import StoreError
from dockerflow.store.parallel import in_threads
from dockerflow.store.s3.objects import Objects
from dockerflow.store.s3_blobs import BLOBS, S3Blobs

# What is asked for to find an object's first line: that of a journal has all steps of a flow.
LINE = 1 << 15


class S3Store(Store):
    """Objects and `blobs` of a bucket. `scratch` is a folder of this machine for what belongs to this store."""

    def __init__(self, objects: Objects, scratch: Union[str, Path], beat: float = BEAT, life: float = LIFE) -> None:
        self.objects = objects
        self.blobs: S3Blobs = S3Blobs(objects)
        self._scratch = Path(scratch).absolute()
        self._beat, self._life = beat, life

    @property
    def name(self) -> str:
        return self.objects.name

    @property
    def scratch(self) -> Path:
        return self._scratch

    def be_patient(self, patient: bool) -> None:
        self.objects.be_patient(patient)

    def when_waiting(self, tell: Waiting) -> None:
        self.objects.when_waiting(tell)

    def put(self, key: str, data: bytes, durable: bool = False) -> None:
        """A server answers when it has the object for good: `durable` asks for nothing more."""
        check_key(key)
        self.objects.put(key, data)

    def put_new(self, key: str, data: bytes) -> bool:
        check_key(key)
        return self.objects.put(key, data, new=True)

    def get(self, key: str) -> Optional[bytes]:
        check_key(key)
        found = self.objects.get(key)
        return None if found is None else bytes(found)

    def each(self, function: Callable[[Item], Result], items: Iterable[Item]) -> List[Result]:
        return in_threads(function, items)

    def first_line(self, key: str) -> Optional[bytes]:
        check_key(key)
        text = self.objects.get_range(key, 0, LINE)
        while text is not None and b"\n" not in text and len(text) % LINE == 0 and text:
            more = self.objects.get_range(key, len(text), LINE)
            if not more:
                break
            text += more
        return None if text is None else first_of(text)

    def ends(self, key: str, size: int) -> Optional[Ends]:
        """A small object is asked for once, a large one twice."""
        check_key(key)
        if size <= LINE:
            text = self.objects.get_range(key, 0, LINE)
            return None if text is None else Ends(first_of(text), last_of(text))
        first, last, start = self.first_line(key), b"", size
        while start > 0 and last_of(last) == last:
            piece = self.objects.get_range(key, max(0, start - LINE), min(start, LINE))
            if not piece:
                return None
            start -= len(piece)
            last = piece + last
        return None if first is None else Ends(first, last_of(last))

    def exists(self, key: str) -> bool:
        check_key(key)
        return self.objects.head(key) is not None

    def every(self, prefix: str = "") -> Iterator[KeyInfo]:
        blobs = BLOBS + "/"
        if not blobs.startswith(prefix):
            yield from self._below(prefix)
            return
        listed = "/"  # there may be millions of blobs: they are not even listed
        for name in self.objects.children(""):
            if name != BLOBS and name.startswith(prefix) and not name.startswith(listed):
                yield from self._below(name)
                listed = name

    def _below(self, prefix: str) -> Iterator[KeyInfo]:
        every = (KeyInfo(found.key, found.size) for found in self.objects.every(prefix))
        return (found for found in every if not found.key.startswith(f"{BLOBS}/"))

    def children(self, prefix: str) -> List[str]:
        check_key(prefix)
        return self.objects.children(prefix)

    def holders(self, prefix: str, name: str) -> List[str]:
        """One listing of all below: a request for each child would take far longer."""
        start = f"{prefix}/"
        paths = (found.key[len(start) :].split("/") for found in self.every(start))
        return sorted({path[0] for path in paths if len(path) > 2 and path[1] == name})

    def delete(self, *keys: str) -> None:
        for key in keys:
            check_key(key)
        if keys:
            self.objects.delete(keys)

    @contextmanager
    def hold(self, key: str) -> Iterator[None]:
        check_key(key)
        body = json.dumps(_this_process()).encode()
        self.objects.put(key, body)

        def beat() -> None:
            with suppress(StoreError):  # the server is away; it may be back at the next one
                self.objects.put(key, body)

        try:
            with beating(beat, self._beat):
                yield
        finally:
            with suppress(StoreError):  # without more signs of life it ends by itself
                self.objects.delete([key])

    def is_held(self, key: str) -> bool:
        """Raises StoreError where the server does not answer."""
        check_key(key)
        info = self.objects.head(key)
        if info is None:
            return False
        here = _lives_here(self.objects.get(key) or b"")
        return here if here is not None else self.objects.now() - info.modified < self._life


def _this_process() -> Dict[str, object]:
    """Who holds a key. A number of a process means something under one kernel since its start, in one container."""
    pid = os.getpid()
    return {"host": platform.node(), "kernel": living.kernel(), "pid": pid, "began": living.began(pid)}


def _lives_here(body: Chunk) -> Optional[bool]:
    """Whether the owner lives, where it is a process that can be seen from here; None elsewhere."""
    try:
        owner = json.loads(bytes(body))
        kernel, pid, began = str(owner["kernel"]), int(owner["pid"]), str(owner["began"])
    except (ValueError, KeyError, TypeError):
        return None
    if not kernel or kernel != living.kernel() or not began:
        return None
    return began == living.began(pid)
