"""The small client itself: the objects of a bucket, with the standard library alone.

Who may do what is the `signer`'s matter: with credentials everything that they allow, through somebody who presigns
requests what they find right. A client may be shared by threads, and used on after a fork.
"""

from __future__ import annotations

import base64
import hashlib
import time
from contextlib import suppress
from datetime import datetime, timezone
from typing import Dict, Iterable, Iterator, List, Optional, Set, Tuple

from dockerflow.store.base import Chunk
from dockerflow.store.errors import StoreError
from dockerflow.store.parallel import in_threads
from dockerflow.store.s3 import reading
from dockerflow.store.s3.exchange import Exchange
from dockerflow.store.s3.multipart import CHECKSUM, put_in_parts
from dockerflow.store.s3.objects import Hashed, ObjectInfo, Objects
from dockerflow.store.s3.patience import Patience
from dockerflow.store.s3.place import Place, in_path
from dockerflow.store.s3.refusals import EXISTS, NO_KEY
from dockerflow.store.s3.signing import UNSIGNED, Request, Signer
from dockerflow.store.s3.wire import Body

# Up to this size an object is put in one request, whose hash the server checks as a whole; S3's own limit is 5 GiB.
SINGLE = 4 << 30
PART = 64 << 20

# Keys in one request to delete them.
BATCH = 1000

# The server's clock is asked again after so many seconds: this machine's may run at another pace, or sleep.
CLOCK_LIFE = 10.0

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


class SmallObjects(Objects):
    """The objects below the prefix of `place`. `single`, `part`: from which size on to put in parts, of which size."""

    def __init__(
        self, place: Place, signer: Signer, patience: float = 120.0, single: int = SINGLE, part: int = PART
    ) -> None:
        self.place = place
        self.name = place.name
        self._exchange = Exchange(place, signer, patience)
        self._single, self._part = single, part
        self._clock: Optional[Tuple[float, float]] = None  # the server's, and ours at that moment

    def close(self) -> None:
        """Close the connections that wait for the next request. The client may be used on."""
        self._exchange.connections.close()

    def get(self, key: str) -> Optional[bytearray]:
        found = reading.get(self._exchange, key)
        return None if found is None else found.content

    def get_hashed(self, key: str) -> Optional[Hashed]:
        return reading.get(self._exchange, key)

    def get_range(self, key: str, start: int, length: int) -> Optional[bytes]:
        return reading.get_range(self._exchange, key, start, length)

    def stream(self, key: str) -> Optional[Iterator[bytes]]:
        return reading.stream(self._exchange, key)

    def put(self, key: str, data: Chunk, new: bool = False) -> bool:
        view = memoryview(data).cast("B")
        headers = {"if-none-match": "*"} if new else {}
        request = _putting(key, hashlib.sha256(view).digest(), headers)
        patience = self._exchange.patience()
        body = Body([view], len(view))
        reply = self._exchange.ask(request, body, expected=(EXISTS,) if new else (), patience=patience)
        if reply.refused is None:
            return True
        # A try whose answer was lost may have put it.
        found = self.get(key) if patience.failures else None
        return found is not None and found == bytes(view)

    def put_large(self, key: str, chunks: Iterable[Chunk], size: int, sha256: str) -> None:
        """`chunks` is gone through anew for every try, unless it can be gone through only once: then it is kept."""
        if size > self._single:
            put_in_parts(self._exchange, key, Body(chunks, size), self._part)
            return
        again = list(chunks) if iter(chunks) is chunks else chunks
        # The checksum is signed, and says what the body must be: signing the body, too, has the server hash it twice.
        request = _putting(key, bytes.fromhex(sha256), {})._replace(sha256=UNSIGNED)
        self._exchange.ask(request, Body(again, size))

    def touch(self, key: str) -> bool:
        """Of an object of up to 5 GiB: of more a server makes no copy in one request."""
        source = in_path(f"/{self.place.full(key)}")
        headers = {"x-amz-copy-source": source, "x-amz-metadata-directive": "REPLACE"}
        reply = self._exchange.ask(Request("PUT", key, {}, headers), expected=(NO_KEY,))
        return reply.refused is None

    def head(self, key: str) -> Optional[ObjectInfo]:
        request = Request("HEAD", key, headers={"x-amz-checksum-mode": "ENABLED"})
        reply = self._exchange.ask(request, expected=(NO_KEY,))
        if reply.refused is not None:
            return None
        told = reply.headers
        self._note_clock(told.get("date", ""))
        modified = told.get("last-modified", "")
        return ObjectInfo(key, int(told.get("content-length", 0)), seconds_of(modified), _sha256_of(told))

    def every(self, prefix: str) -> Iterator[ObjectInfo]:
        from dockerflow.store.s3 import listing  # noqa: PLC0415  # most tasks list nothing

        for page in listing.pages(self._exchange, self.place.in_bucket(prefix)):
            for found in page.objects:
                yield found._replace(key=self.place.within(found.key))

    def children(self, prefix: str) -> List[str]:
        from dockerflow.store.s3 import listing  # noqa: PLC0415  # most tasks list nothing

        start = self.place.in_bucket(f"{prefix}/" if prefix else "")
        names: Set[str] = set()
        for page in listing.pages(self._exchange, start, "/"):
            names.update(found.key[len(start) :] for found in page.objects)
            names.update(found[len(start) :].rstrip("/") for found in page.prefixes)
        return sorted(names - {""})

    def delete(self, keys: Iterable[str], once: bool = False) -> None:
        every = list(keys)
        if len(every) == 1:
            request = Request("DELETE", every[0])
            self._exchange.ask(request, expected=(NO_KEY,), patience=Patience(0.0) if once else None)
            return
        batches = [every[start : start + BATCH] for start in range(0, len(every), BATCH)]
        in_threads(lambda batch: self._delete(batch, Patience(0.0) if once else None), batches, 4)

    def now(self) -> float:
        """Of an answer that came just now, whatever it said otherwise."""
        if self._clock is None or time.monotonic() - self._clock[1] > CLOCK_LIFE:
            reply = self._exchange.ask(Request("HEAD", "clock"), expected=(NO_KEY, "AccessDenied"))
            self._note_clock(reply.headers.get("date", "") if reply.refused is None else reply.refused.date)
        if self._clock is None:
            raise StoreError(f"the S3 server `{self.place.endpoint}` does not say what time it is")
        return self._clock[0] + time.monotonic() - self._clock[1]

    def _note_clock(self, date: str) -> None:
        with suppress(ValueError):
            self._clock = seconds_of(date), time.monotonic()

    def _delete(self, keys: List[str], patience: Optional[Patience]) -> None:
        from dockerflow.store.s3 import listing  # noqa: PLC0415  # most tasks delete nothing

        body = listing.deletion(map(self.place.in_bucket, keys))
        digest = hashlib.sha256(body).digest()
        headers = {CHECKSUM: base64.b64encode(digest).decode(), "x-amz-sdk-checksum-algorithm": "SHA256"}
        with suppress(ValueError):  # a Python whose MD5 is switched off; older servers ask for it
            headers["content-md5"] = base64.b64encode(hashlib.md5(body).digest()).decode()
        request = Request("POST", None, {"delete": ""}, headers, digest.hex())
        reply = self._exchange.ask(request, Body([body], len(body)), patience=patience)
        left = listing.not_deleted(reply.body)
        if left:
            key, why = left[0]
            raise StoreError(f"the S3 server `{self.place.endpoint}` did not delete `{key}` of `{self.name}`: {why}")


def seconds_of(date: str) -> float:
    """Of a date in HTTP: `Mon, 23 Nov 2026 11:52:16 GMT`. Raises ValueError."""
    try:
        _, day, month, year, clock, _ = date.split()
        hour, minute, second = map(int, clock.split(":"))
        moment = datetime(int(year), _MONTHS.index(month) + 1, int(day), hour, minute, second, tzinfo=timezone.utc)
    except (ValueError, TypeError):
        raise ValueError(f"`{date}` is not a date") from None
    return moment.timestamp()


def _putting(key: str, digest: bytes, headers: Dict[str, str]) -> Request:
    """The server compares what comes with the hash, and remembers it."""
    return Request("PUT", key, {}, {**headers, CHECKSUM: base64.b64encode(digest).decode()}, digest.hex())


def _sha256_of(headers: Dict[str, str]) -> Optional[str]:
    """An object that was put in parts has a hash of their hashes, with their number behind it."""
    told = headers.get(CHECKSUM, "")
    if not told or "-" in told or headers.get("x-amz-checksum-type") == "COMPOSITE":
        return None
    return base64.b64decode(told).hex()
