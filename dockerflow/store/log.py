"""What an attempt printed: a file that grows while it runs, one blob when it has ended. What can be read of that file
from another machine is in the store in pieces, where the store is a bucket.

One JSON line per line printed: [time, "o" or "e", text], and `0` behind the text of a line that was cut or that had no
end: what the stream printed next goes on in it. The lines of several attempts, or of one attempt in several
pieces, are joined by putting their bytes one after the other. Any text goes in, also bytes that were no UTF-8 and were
decoded with `surrogateescape`: JSON's escapes carry them.
"""

from __future__ import annotations

import json
import os
from typing import Iterable, Iterator, List

from dockerflow.store.base import BlobStore, Store
from dockerflow.store.errors import DamagedRecord
from dockerflow.store.history import Attempt
from dockerflow.store.records import LogLine
from dockerflow.store.runs import log_key, running_log

_LETTERS = {"stdout": "o", "stderr": "e"}
_STREAMS = {letter: stream for stream, letter in _LETTERS.items()}

# What is read of a file at a time, in bytes, and of what is in pieces, which are of 256 KiB.
PIECE = 1 << 20
AT_A_TIME = 4

# `dumps` of a whole row takes more than twice as long, and a task may print a million of them.
_quoted = json.JSONEncoder().encode


def encode_lines(lines: Iterable[LogLine]) -> bytes:
    rows = (
        f'[{time!r},"{_LETTERS[stream]}",{_quoted(text)}{"" if ended else ",0"}]\n'
        for time, stream, text, ended in lines
    )
    return "".join(rows).encode()


def decode_lines(encoded: bytes) -> List[LogLine]:
    """The lines that `encode_lines` wrote. Raises ValueError for anything else."""
    written = encoded.splitlines()
    rows = json.loads(b"[%s]" % b",".join(written))  # row by row takes twice as long
    if len(rows) != len(written):
        raise ValueError("not one log line in each line")
    try:
        return [LogLine(time, _STREAMS[letter], text, not cut) for time, letter, text, *cut in rows]
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a log line: {error}") from error


def whole(lines: Iterable[LogLine]) -> Iterator[LogLine]:
    """The lines of one stream with the pieces of a line put together; it has the time of its last piece."""
    pieces: List[str] = []
    for line in lines:
        pieces.append(line.text)
        if line.ended:
            yield LogLine(line.time, line.stream, "".join(pieces))
            pieces = []
    if pieces:
        yield LogLine(line.time, line.stream, "".join(pieces), ended=False)


def write(blobs: BlobStore, lines: Iterable[LogLine]) -> str:
    """Store the lines and return the blob's sha256."""
    return blobs.put([encode_lines(lines)])


def read(blobs: BlobStore, sha256: str) -> Iterator[LogLine]:
    """The lines of a log blob, of which only some are in memory at a time. Raises MissingBlob, DamagedBlob or
    DamagedRecord; that bytes are not what was written turns out at the end."""
    pieces = blobs.stream(sha256)
    try:
        yield from _lines(pieces)
    except ValueError as error:
        for _ in pieces:  # to the end, where it turns out whether the bytes are what was written
            pass
        raise DamagedRecord(f"blob `{sha256}` is not a log that this version can read") from error


def of_attempt(store: Store, flow: str, run_id: str, task_id: str, attempt: Attempt) -> Iterator[LogLine]:
    """What an attempt has printed; of one that runs or was cut off with its scheduler, what it had printed when this
    was asked. Raises as `read` does."""
    if attempt.finished is not None:
        yield from read(store.blobs, attempt.finished.log) if attempt.finished.log else ()
        return
    try:
        yield from _lines(_so_far(store, flow, run_id, task_id, attempt.number), growing=True)
    except ValueError as error:
        file = running_log(store, flow, run_id, task_id, attempt.number)
        raise DamagedRecord(f"the log `{file}` is damaged: {error}") from error


def _lines(pieces: Iterable[bytes], growing: bool = False) -> Iterator[LogLine]:
    """Of one that grows, the last line may be there in part. Raises ValueError."""
    rest = b""
    for piece in pieces:
        whole_lines, end, rest = (rest + piece).rpartition(b"\n")
        yield from decode_lines(whole_lines + end)
    if not growing:
        yield from decode_lines(rest)


def _so_far(store: Store, flow: str, run_id: str, task_id: str, attempt: int) -> Iterator[bytes]:
    """Nothing for one that has printed nothing, or has ended this moment."""
    try:
        file = running_log(store, flow, run_id, task_id, attempt).open("rb")
    except OSError:
        yield from _sent(store, log_key(flow, run_id, task_id, attempt))
        return
    with file:
        end = os.fstat(file.fileno()).st_size  # whoever reads more slowly than the task prints comes to an end, too
        for start in range(0, end, PIECE):
            yield file.read(min(PIECE, end - start))


def _sent(store: Store, folder: str) -> Iterator[bytes]:
    """The pieces of a log in a bucket, up to the first that is missing."""
    names = store.children(folder)
    for start in range(0, len(names), AT_A_TIME):
        for piece in store.get_many(f"{folder}/{name}" for name in names[start : start + AT_A_TIME]).values():
            if not piece:
                return
            yield piece
