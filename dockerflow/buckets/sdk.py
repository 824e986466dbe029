"""The objects of a bucket, on the minio SDK."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

from minio.datatypes import Object, Upload
from minio.deleteobjects import DeleteObject
from minio.error import S3Error
from urllib3.exceptions import ProtocolError

from dockerflow.buckets import copying, reading, sending, touching
from dockerflow.buckets.credentials import Identity
from dockerflow.buckets.link import Link, none_if_gone
from dockerflow.store.base import Chunk, Waiting
from dockerflow.store.errors import StoreError
from dockerflow.store.s3.objects import Hashed, ObjectInfo, Objects
from dockerflow.store.s3.place import Place

# So many keys are deleted in one request: more a server does not take.
_BATCH = 1000

_WITH_HASH: dict[str, str | list[str] | tuple[str]] = {"x-amz-checksum-mode": "ENABLED"}

# The server's clock is asked again after so many seconds: this machine's may run at another pace, or sleep.
_CLOCK_LIFE = 10.0


class SdkObjects(Objects):
    """Below `place`, for whoever `identity` is. What is larger than `one_piece` is sent in parts."""

    def __init__(
        self, place: Place, identity: Identity, patience: float = 120.0, one_piece: int = sending.ONE_PIECE
    ) -> None:
        self.place = place
        self.identity = identity
        self.name = place.name
        self.link = Link(place, identity, patience)
        self._one_piece = one_piece
        self._clock: tuple[float, float] | None = None  # the server's, and ours at that moment

    def be_patient(self, patient: bool) -> None:
        self.link.patience.wait(patient)

    def when_waiting(self, tell: Waiting) -> None:
        self.link.patience.waiting = tell

    def get(self, key: str) -> bytearray | None:
        found = self.get_hashed(key)
        return None if found is None else found.content

    def get_hashed(self, key: str) -> Hashed | None:
        return reading.whole(self.link, key)

    def get_range(self, key: str, start: int, length: int) -> bytes | None:
        return reading.part(self.link, key, start, length)

    def stream(self, key: str) -> Iterator[bytes] | None:
        return reading.pieces(self.link, key)

    def put(self, key: str, data: Chunk, new: bool = False) -> bool:
        return sending.put(self.link, key, data, new)

    def put_large(self, key: str, chunks: Iterable[Chunk], size: int, sha256: str) -> None:
        sending.put_large(self.link, key, chunks, size, sha256, self._one_piece)

    def copy_checked(self, source: str, target: str, sha256: str) -> bool:
        return copying.copy_checked(self.link, source, target, sha256, min(self._one_piece, copying.PIECE))

    def touch(self, key: str) -> bool:
        return touching.touch(self.link, key)

    def head(self, key: str) -> ObjectInfo | None:
        def attempt() -> ObjectInfo:
            try:
                found = self.link.client.stat_object(self.place.bucket, self.link.name(key), extra_headers=_WITH_HASH)
            except ValueError as error:  # headers that are cut off, see `reading`
                raise ProtocolError(str(error)) from error
            if found.last_modified is None:
                raise ProtocolError("the headers of its answer are cut off")
            self._note_clock(found.metadata or {})
            return self._info(found, sending.hash_in(found.metadata))

        return self.link.asked(lambda: none_if_gone(attempt))

    def every(self, prefix: str) -> Iterator[ObjectInfo]:
        after = ""
        while True:
            page = self.link.asked(lambda start=after: self._page(prefix, start))  # type: ignore[misc]
            yield from page
            if len(page) < _BATCH:
                return
            after = page[-1].key

    def children(self, prefix: str) -> list[str]:
        folder = f"{prefix}/" if prefix else ""
        below = self.link.name(folder)
        found = self.link.asked(lambda: [str(each.object_name) for each in self._listed(below, recursive=False)])
        return sorted({name[len(below) :].rstrip("/") for name in found} - {""})

    def delete(self, keys: Iterable[str], once: bool = False) -> None:
        ask = self.link.asked_once if once else self.link.asked
        names = [self.link.name(key) for key in keys]
        for begin in range(0, len(names), _BATCH):
            batch = names[begin : begin + _BATCH]
            ask(lambda batch=batch: self._delete(batch))  # type: ignore[misc]

    def give_up_uploads(self, prefix: str, older_than: float) -> None:
        below = self.link.name(prefix)  # MinIO takes a prefix for a whole name here, and is asked for all
        listed = self.link.asked(lambda: self.link.client._list_multipart_uploads(self.place.bucket))
        for upload in listed.uploads:
            ours = str(upload.object_name).startswith(below)
            if ours and upload.initiated_time and self.now() - upload.initiated_time.timestamp() > older_than:
                self.link.asked(lambda upload=upload: self._give_up(upload))  # type: ignore[misc]

    def now(self) -> float:
        if self._clock is None or time.monotonic() - self._clock[1] > _CLOCK_LIFE:
            self._note_clock(self.link.asked(lambda: self.link.send("HEAD", self.place.url(None, {}), {})).headers)
        if self._clock is None:
            raise StoreError(f"the S3 server `{self.place.endpoint}` does not say what time it is")
        return self._clock[0] + time.monotonic() - self._clock[1]

    def _give_up(self, upload: Upload) -> None:
        try:
            self.link.client._abort_multipart_upload(self.place.bucket, upload.object_name, str(upload.upload_id))
        except S3Error as error:
            if error.code != "NoSuchUpload":  # it has ended meanwhile
                raise

    def _page(self, prefix: str, after: str) -> list[ObjectInfo]:
        start = self.link.name(after) if after else None
        listed = self._listed(self.link.name(prefix), recursive=True, start=start)
        return [self._info(each) for _, each in zip(range(_BATCH), listed, strict=False)]

    def _listed(self, prefix: str, recursive: bool, start: str | None = None) -> Iterator[Object]:
        listed = self.link.client.list_objects(self.place.bucket, prefix, recursive=recursive, start_after=start)
        return cast("Iterator[Object]", listed)

    def _delete(self, names: list[str]) -> None:
        if len(names) == 1:
            self.link.client.remove_object(self.place.bucket, names[0])
            return
        refused = list(self.link.client.remove_objects(self.place.bucket, [DeleteObject(name) for name in names]))
        if refused:
            first = refused[0]
            raise StoreError(
                f"{len(refused)} objects of `{self.name}` could not be deleted, `{first.name}` first: "
                f"`{first.code}`: {first.message}"
            )

    def _info(self, found: Object, sha256: str | None = None) -> ObjectInfo:
        key = self.place.within(str(found.object_name))
        return ObjectInfo(key, found.size or 0, _seconds(found.last_modified), sha256)

    def _note_clock(self, headers: Mapping[str, Any]) -> None:
        try:
            told = parsedate_to_datetime(headers.get("date") or "").timestamp()
        except (TypeError, ValueError):
            return
        self._clock = told, time.monotonic()


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0
