"""Changes of tags that steps have asked for: files `tags-….json` in an outbox.

Where the scheduler does not see a worker's outbox, the worker takes the files out of it after each attempt and sends
their texts, and who hears them leaves them in an outbox that the scheduler does see. What they say is for `run_tags`.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import os
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Iterable, List, Tuple, Union

from dockerflow.store import files
from dockerflow.store.blobs import open_regular
from dockerflow.store.errors import DamagedBlob, StoreError

# What a step asks for at most, in bytes of one file and files of one attempt.
LARGEST = 1 << 20
MOST_ASKED = 10_000

# What is sent at once, in bytes: changes are small.
TOGETHER = 16 << 20

_PREFIX = "tags-"


def names(outbox: Union[str, Path]) -> List[str]:
    """Of the files, in the order in which they were left. Raises OSError where there is no outbox any more."""
    return sorted(name for name in os.listdir(str(outbox)) if name.startswith(_PREFIX))[:MOST_ASKED]


def leave(outbox: Path, text: str) -> None:
    """Raises StoreError."""
    name = f"{_PREFIX}{time.time_ns():020d}-{uuid.uuid4().hex}.json"
    try:
        with files.temporary(outbox) as stream:
            stream.write(text.encode())
            files.close_for_reading(stream)
            files.move(Path(stream.name), outbox / name)
    except OSError as error:
        raise StoreError(f"cannot write the change of tags to `{outbox}`: {error.strerror}") from error


def leave_all(outbox: Path, texts: Iterable[str]) -> None:
    """In their order. Raises StoreError."""
    for text in texts:
        leave(outbox, text)


def take(outbox: str) -> Tuple[str, ...]:
    """What was left, out of the outbox; what is no plain file, or is too large, is none of ours."""
    taken: List[str] = []
    with suppress(OSError):
        for name in names(outbox):
            with suppress(OSError, ValueError, DamagedBlob):
                taken += _taken(os.path.join(outbox, name), TOGETHER - sum(map(len, taken)))
    return tuple(taken)


def _taken(path: str, room: int) -> List[str]:
    with open_regular(Path(path)) as stream:
        text = stream.read(min(LARGEST, room) + 1)
    os.unlink(path)
    return [text.decode()] if len(text) <= min(LARGEST, room) else []
