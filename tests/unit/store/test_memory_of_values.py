"""Writing and reading a large value takes no memory beside the value itself.

What Python and numpy allocate is counted; maps of files, which the system takes back when it needs the room, are not.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dockerflow.store import manifest
from dockerflow.store.blobs import Blobs

MIB = 1 << 20
SIZE = 32 * MIB


@contextmanager
def counted() -> Iterator[Callable[[], float]]:
    """The most that was allocated at any moment since, in MiB."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        yield lambda: (tracemalloc.get_traced_memory()[1] - before) / MIB
    finally:
        tracemalloc.stop()


def values() -> dict[str, Any]:
    numbers = np.arange(SIZE // 8, dtype=float)
    return {
        "array": numbers,
        "in another order": numbers.reshape(1024, -1).T,
        "read-only": np.frombuffer(bytes(SIZE)),
        "bytes": bytes(SIZE),
        "frame": pd.DataFrame(numbers.reshape(-1, 8)),
        "series": pd.Series(numbers),
        "inside": {"list": [numbers]},
    }


@pytest.mark.parametrize("kind", list(values()))
def test_a_large_value_is_written_and_read_without_a_copy(kind: str, tmp_path: Path) -> None:
    blobs, value = Blobs(tmp_path / "blobs"), values()[kind]
    with counted() as most:
        sha256 = manifest.write(blobs, {"value": value}, {})
        assert most() < 3
    ref = manifest.read(blobs, sha256).artifacts["value"]
    with counted() as most:
        made = manifest.load(blobs, ref)
        # Objects that are no arrays are theirs who loads them.
        assert most() < (SIZE / MIB + 1 if kind == "bytes" else 3)
    assert str(made)[:500] == str(value)[:500]
