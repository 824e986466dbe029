"""What an attempt printed: a file that grows while it runs, one blob when it has ended. What can be read of that file
from another machine is in the store in pieces, where the store is a bucket.

One JSON line per line printed: [time, "o" or "e", text], and `0` behind the text of a line that was cut or that had no
end: what the stream printed next goes on in it. The lines of several attempts, or of one attempt in several
pieces, are joined by putting their bytes one after the other. Any text goes in, also bytes that were no UTF-8 and were
decoded with `surrogateescape`: JSON's escapes carry them.
"""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import takewhile
from typing import Iterable, Iterator, List

from dockerflow.store.base import BlobStore, Store
from dockerflow.store.errors import DamagedRecord
from dockerflow.store.history import Attempt
from dockerflow.store.records import LogLine
from dockerflow.store.runs import log_key, running_log

_LETTERS = {"stdout": "o", "stderr": "e"}
_STREAMS = {letter: stream for stream, letter in _LETTERS.items()}

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
    rows = (json.loads(line) for line in encoded.splitlines())
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


def read(blobs: BlobStore, sha256: str) -> List[LogLine]:
    """The lines of a log blob. Raises MissingBlob, DamagedBlob or DamagedRecord.

    Piece by piece: all its bytes and all its rows beside all its lines would be twice as much.
    """
    pieces = blobs.stream(sha256)
    lines: List[LogLine] = []
    rest = b""
    try:
        for piece in pieces:
            whole_lines, end, rest = (rest + piece).rpartition(b"\n")
            lines += decode_lines(whole_lines + end)
        return lines + decode_lines(rest)
    except ValueError as error:
        for _ in pieces:  # to the end, where it turns out whether the bytes are what was written
            pass
        raise DamagedRecord(f"blob `{sha256}` is not a log that this version can read") from error


def of_attempt(store: Store, flow: str, run_id: str, task_id: str, attempt: Attempt) -> List[LogLine]:
    """What an attempt has printed; so far, if it runs or was cut off with its scheduler. Raises as `read` does."""
    if attempt.finished is not None:
        return read(store.blobs, attempt.finished.log) if attempt.finished.log else []
    written = _so_far(store, flow, run_id, task_id, attempt.number)
    try:
        return decode_lines(written[: written.rfind(b"\n") + 1])
    except ValueError as error:
        file = running_log(store, flow, run_id, task_id, attempt.number)
        raise DamagedRecord(f"the log `{file}` is damaged: {error}") from error


def _so_far(store: Store, flow: str, run_id: str, task_id: str, attempt: int) -> bytes:
    """Nothing for one that has printed nothing, or has ended this moment."""
    with suppress(OSError):
        return running_log(store, flow, run_id, task_id, attempt).read_bytes()
    folder = log_key(flow, run_id, task_id, attempt)
    pieces = store.get_many(f"{folder}/{name}" for name in store.children(folder))
    return b"".join(takewhile(bool, (piece or b"" for piece in pieces.values())))
