from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from dockerflow.store import mapped
from dockerflow.store.base import hash_of
from dockerflow.store.blobs import CHECKED, TWO_AT_ONCE, Blobs
from dockerflow.store.errors import DamagedBlob, StoreError
from dockerflow.store.mapped import MAPPINGS, READ
from tests.unit.unprivileged import unprivileged

LARGE = b"x" * (CHECKED + 1)


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


@pytest.fixture
def container(tmp_path: Path, blobs: Blobs) -> Blobs:
    """The same store as a container sees it."""
    (tmp_path / "outbox").mkdir()
    return Blobs(blobs.root, tmp_path / "outbox")


@pytest.mark.parametrize("size", [0, 1, READ, READ + 1, CHECKED, CHECKED + 1, TWO_AT_ONCE, TWO_AT_ONCE + 1])
def test_what_is_got_is_what_was_put(blobs: Blobs, size: int) -> None:
    content = os.urandom(size)
    assert bytes(blobs.get(blobs.put([content]))) == content


def test_small_and_large_pieces_are_hashed_in_their_order(blobs: Blobs) -> None:
    pieces = [b"head", os.urandom(TWO_AT_ONCE), b"between", bytes(TWO_AT_ONCE), b"tail"]
    assert blobs.put(pieces) == hash_of(pieces)
    blobs.verify(hash_of(pieces))


def test_blobs_and_their_folders_can_be_read_by_others_and_written_by_nobody(blobs: Blobs) -> None:
    before = os.umask(0o077)
    try:
        path = blobs.path(blobs.put([b"x"]))
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert stat.S_IMODE(path.parent.stat().st_mode) == stat.S_IMODE(blobs.root.stat().st_mode) == 0o755


def test_a_blob_that_is_there_is_kept(blobs: Blobs) -> None:
    first = blobs.path(blobs.put([b"x"])).stat().st_ino
    assert blobs.path(blobs.put([b"x"])).stat().st_ino == first
    assert blobs.written == [hash_of([b"x"])] * 2


def test_a_blob_cut_by_a_power_failure_is_mended_by_putting_it_again(blobs: Blobs) -> None:
    sha256 = blobs.put([b"content"])
    _overwrite(blobs.path(sha256), b"con")
    assert bytes(blobs.get(blobs.put([b"content"]))) == b"content"


def test_nothing_is_left_of_a_blob_whose_writing_fails(blobs: Blobs) -> None:
    def chunks() -> object:
        yield b"x"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        blobs.put(chunks())  # type: ignore[arg-type]
    assert [path for path in blobs.root.rglob("*") if path.is_file()] == []


def test_a_small_damaged_blob_is_found_when_read_and_a_large_one_when_verified(blobs: Blobs) -> None:
    small, large = blobs.put([b"content"]), blobs.put([LARGE])
    for sha256 in (small, large):
        _overwrite(blobs.path(sha256), b"y" * blobs.path(sha256).stat().st_size)
        with pytest.raises(DamagedBlob, match=sha256):
            blobs.verify(sha256)
    with pytest.raises(DamagedBlob, match=small):
        blobs.get(small)


def test_many_large_blobs_at_once_do_not_use_up_the_open_files(blobs: Blobs) -> None:
    sha256 = blobs.put([b"x" * (READ + 1)])
    open_before = len(os.listdir("/proc/self/fd"))
    views = [blobs.get(sha256) for _ in range(MAPPINGS + 50)]
    assert len(os.listdir("/proc/self/fd")) - open_before <= MAPPINGS
    del views
    assert len(mapped._mappings) < MAPPINGS


# --- containers and their outbox


def test_a_container_writes_to_its_outbox_and_reads_from_both(blobs: Blobs, container: Blobs) -> None:
    given, made = blobs.put([b"given"]), container.put([b"made"])
    assert bytes(container.get(given)) == b"given"
    assert bytes(container.get(made)) == b"made"
    assert not blobs.has(made)
    assert os.listdir(str(container.outbox)) == [made]


def test_a_container_does_not_write_what_the_store_has(blobs: Blobs, container: Blobs) -> None:
    sha256 = blobs.put([b"given"])
    assert container.put([b"given"]) == sha256
    assert container.written == [sha256]
    assert os.listdir(str(container.outbox)) == []


@pytest.mark.parametrize("content", [b"", b"small", LARGE])
def test_an_adopted_blob_is_the_stores(blobs: Blobs, container: Blobs, content: bytes) -> None:
    sha256 = container.put([content])
    blobs.adopt(container.outbox, sha256)  # type: ignore[arg-type]
    assert bytes(blobs.get(sha256)) == content
    assert stat.S_IMODE(blobs.path(sha256).stat().st_mode) == 0o444
    assert os.listdir(str(container.outbox)) == []


def test_a_container_reads_its_blobs_while_they_are_adopted(blobs: Blobs, container: Blobs) -> None:
    contents = [b"%d" % number for number in range(300)]
    names = [container.put([content]) for content in contents]
    adopting = threading.Thread(target=lambda: [blobs.adopt(str(container.outbox), name) for name in names])
    adopting.start()
    while adopting.is_alive():
        assert [bytes(container.get(name)) for name in names] == contents
    adopting.join()
    assert os.listdir(str(container.outbox)) == []


def test_what_was_written_by_another_user_and_is_private_becomes_the_stores(blobs: Blobs, container: Blobs) -> None:
    sha256 = container.put([b"x"])
    source = Path(str(container.outbox)) / sha256
    source.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(source, 12345, 12345)
    blobs.root.mkdir()
    blobs.adopt(str(container.outbox), sha256)
    status, root = blobs.path(sha256).stat(), blobs.root.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (root.st_uid, root.st_gid, 0o444)


def test_a_blob_is_copied_where_it_cannot_be_moved(blobs: Blobs, tmp_path: Path) -> None:
    """An outbox on another file system, as a tmpfs."""
    elsewhere = Path("/dev/shm") / f"outbox-{tmp_path.name}-{os.getpid()}"
    elsewhere.mkdir()
    try:
        sha256 = Blobs(blobs.root, elsewhere).put([LARGE])
        blobs.adopt(elsewhere, sha256)
        blobs.verify(sha256)
        assert os.listdir(elsewhere) == []
    finally:
        for path in elsewhere.iterdir():
            path.unlink()
        elsewhere.rmdir()


def _overwrite(path: Path, content: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(content)


@pytest.mark.parametrize("closed", ["", "0a"])
def test_blobs_that_cannot_be_listed_are_an_error_and_not_none(blobs: Blobs, tmp_path: Path, closed: str) -> None:
    (blobs.root / "0a").mkdir(parents=True)
    (blobs.root / closed).chmod(0o000)
    with unprivileged(tmp_path), pytest.raises(StoreError, match="cannot list the blobs in"):
        list(blobs.every())
    (blobs.root / closed).chmod(0o755)


def test_a_store_without_blobs_lists_none(tmp_path: Path) -> None:
    assert list(Blobs(tmp_path / "none").every()) == []


def test_a_blob_that_cannot_be_looked_at_is_an_error_of_the_store(blobs: Blobs, tmp_path: Path) -> None:
    sha256 = blobs.put([b"x"])
    folder = blobs.path(sha256).parent
    folder.chmod(0o000)
    for look in (blobs.size, blobs.verify, blobs.get):
        with unprivileged(tmp_path), pytest.raises(StoreError, match=f"blob `{sha256}`"):
            look(sha256)
    folder.chmod(0o755)
