"""Put an object in parts: what is too large for one request, or not to be sent again as a whole.

Parts are sent by several threads, each with its hash, which the server checks; a part that fails is tried again alone.
What was begun and cannot be ended is given up, so that the server keeps nothing of it.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from contextlib import suppress
from typing import Callable, Dict, Iterable, Iterator, List, NamedTuple

from dockerflow.store.base import Chunk
from dockerflow.store.errors import StoreError
from dockerflow.store.parallel import in_threads
from dockerflow.store.s3.exchange import Exchange
from dockerflow.store.s3.listing import name_of, parsed, text_of
from dockerflow.store.s3.refusals import refusal_of
from dockerflow.store.s3.signing import Request
from dockerflow.store.s3.wire import Body

# A server takes at most so many parts.
MOST_PARTS = 10_000
THREADS = 3

CHECKSUM = "x-amz-checksum-sha256"


class Part(NamedTuple):
    number: int
    views: List[memoryview]

    @property
    def size(self) -> int:
        return sum(map(len, self.views))


class Done(NamedTuple):
    number: int
    etag: str
    checksum: str


class Sent(NamedTuple):
    done: Done
    size: int


def put_in_parts(exchange: Exchange, key: str, body: Body, part_size: int) -> None:
    """Raises ValueError when the body is not of the size that it is said to be."""
    size = max(part_size, -(-body.size // MOST_PARTS))
    begun = exchange.ask(Request("POST", key, {"uploads": ""}, {"x-amz-checksum-algorithm": "SHA256"}))
    upload = text_of(parsed(begun.body), "UploadId")
    if not upload:
        raise StoreError(f"the S3 server `{exchange.place.endpoint}` did not begin to take `{key}` in parts")
    try:
        done = _send_all(parts(body.chunks, size), lambda part: _send(exchange, key, upload, part))
        sent = sum(part.size for part in done)
        if sent != body.size:
            raise ValueError(f"`{key}` was announced with {body.size} bytes, and is of {sent}")
        _complete(exchange, key, upload, [part.done for part in done], body.size)
    except BaseException:
        with suppress(StoreError):
            exchange.ask(Request("DELETE", key, {"uploadId": upload}), expected=("NoSuchUpload",))
        raise


def parts(chunks: Iterable[Chunk], size: int) -> Iterator[Part]:
    """Cut into parts of `size`, at least one, without copying."""
    number, left = 1, size
    views: List[memoryview] = []
    for chunk in chunks:
        rest = memoryview(chunk).cast("B")
        while len(rest):
            views.append(rest[:left])
            left -= len(views[-1])
            rest = rest[len(views[-1]) :]
            if not left:
                yield Part(number, views)
                number, views, left = number + 1, [], size
    if views or number == 1:
        yield Part(number, views)


def _send_all(every: Iterator[Part], send: Callable[[Part], Done]) -> List[Sent]:
    """In threads, which take the next part when they are free: what is made while it is read is not held as a whole."""
    taking = threading.Lock()
    sent: Dict[int, Sent] = {}
    failed: List[bool] = []

    def work(_: int) -> None:
        try:
            while not failed:
                with taking:
                    part = next(every, None)
                if part is None:
                    return
                sent[part.number] = Sent(send(part), part.size)
        except BaseException:
            failed.append(True)
            raise

    in_threads(work, range(THREADS), THREADS)
    return [sent[number] for number in sorted(sent)]


def _send(exchange: Exchange, key: str, upload: str, part: Part) -> Done:
    hashed = hashlib.sha256()
    for view in part.views:
        hashed.update(view)
    checksum = base64.b64encode(hashed.digest()).decode()
    query = {"partNumber": str(part.number), "uploadId": upload}
    request = Request("PUT", key, query, {CHECKSUM: checksum}, hashed.hexdigest())
    return Done(part.number, exchange.ask(request, Body(part.views, part.size)).headers.get("etag", ""), checksum)


def _complete(exchange: Exchange, key: str, upload: str, done: List[Done], size: int) -> None:
    """A server may say `200` at once and find out later that it cannot: so its words count."""
    named = "".join(
        f"<Part><PartNumber>{part.number}</PartNumber><ETag>{part.etag.replace('&', '&amp;')}</ETag>"
        f"<ChecksumSHA256>{part.checksum}</ChecksumSHA256></Part>"
        for part in done
    )
    text = f'<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{named}</CompleteMultipartUpload>'
    body = text.encode()
    request = Request("POST", key, {"uploadId": upload}, {}, hashlib.sha256(body).hexdigest())
    patience = exchange.patience()
    while True:
        reply = exchange.ask(request, Body([body], len(body)), expected=("NoSuchUpload",), patience=patience)
        refused = reply.refused
        if refused is None:
            if name_of(parsed(reply.body)) != "Error":
                return
            refused = refusal_of(200, reply.headers, reply.body)
        elif patience.failures and _is_there(exchange, key, size):
            return  # it was done, and the answer was lost
        if not refused.passing:
            raise refused.error(exchange.place, f"to put the parts of `{key}` together")
        patience.failed(exchange.place.endpoint, f"it answered {refused}")


def _is_there(exchange: Exchange, key: str, size: int) -> bool:
    found = exchange.ask(Request("HEAD", key), expected=("NoSuchKey",))
    return found.refused is None and found.headers.get("content-length") == str(size)
