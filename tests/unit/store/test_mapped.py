"""Memory that nobody has written to is known to be the blob's without a look at it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dockerflow.store import mapped
from dockerflow.store.blobs import Blobs

PAGE = os.sysconf("SC_PAGESIZE")
SIZE = 1 << 20
CONTENT = bytes(range(256)) * (SIZE // 256)


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


def test_memory_is_untouched_until_somebody_writes_to_it(blobs: Blobs) -> None:
    sha256 = blobs.put([CONTENT])
    view = blobs.get(sha256)
    assert mapped.is_untouched(view, sha256, 0)
    assert sum(view[::PAGE]) == 0  # reading changes nothing
    assert mapped.is_untouched(view, sha256, 0)
    view[5 * PAGE] = 0  # writing what was there is writing
    assert not mapped.is_untouched(view, sha256, 0)
    assert mapped.is_untouched(view[6 * PAGE :], sha256, 6 * PAGE)
    assert not mapped.is_untouched(view[3 * PAGE : 6 * PAGE], sha256, 3 * PAGE)


def test_memory_of_another_place_or_blob_is_not_taken_for_it(blobs: Blobs) -> None:
    sha256, other = blobs.put([CONTENT]), blobs.put([CONTENT[::-1]])
    view, again = blobs.get(sha256), blobs.get(sha256)
    assert not mapped.is_untouched(view[PAGE:], sha256, 0)
    assert not mapped.is_untouched(view, other, 0)
    assert not mapped.is_untouched(memoryview(bytearray(CONTENT)), sha256, 0)
    assert not mapped.is_untouched(memoryview(CONTENT), sha256, 0)
    again[0] = 1
    assert mapped.is_untouched(view, sha256, 0)  # each map is its own
    assert not mapped.is_untouched(again, sha256, 0)


def test_where_the_system_does_not_tell_nothing_is_untouched(
    blobs: Blobs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sha256 = blobs.put([CONTENT])
    view = blobs.get(sha256)
    for content in (None, b"", b"cut"):
        place = tmp_path / f"pagemap{content!r}"
        if content is not None:
            place.write_bytes(content)
        monkeypatch.setattr(mapped, "_PAGEMAP", str(place))
        assert not mapped.is_untouched(view, sha256, 0)
        assert blobs.same(sha256, 0, [view])


def test_a_blob_is_compared_with_pieces_of_any_size(blobs: Blobs) -> None:
    sha256 = blobs.put([CONTENT])
    view = blobs.get(sha256)
    assert blobs.same(sha256, 0, [CONTENT[:10], view[10:]])
    assert blobs.same(sha256, 7, [view[7:1000], bytearray(CONTENT[1000:])])
    assert blobs.same(sha256, 0, [])
    assert not blobs.same(sha256, 0, [view, b"more"])
    assert not blobs.same(sha256, 1, [view[:-1]])
    assert not blobs.same(sha256, 0, [CONTENT[:-1] + b"\0"])


def test_what_was_written_to_is_compared(blobs: Blobs) -> None:
    sha256 = blobs.put([CONTENT])
    view = blobs.get(sha256)
    view[-1] ^= 1
    assert not blobs.same(sha256, 0, [view])
    view[-1] ^= 1
    assert blobs.same(sha256, 0, [view])
