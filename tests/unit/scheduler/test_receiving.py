"""Large blobs that workers hand over: `deliver` on one side and the scheduler's receiver on the other."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerflow.scheduler.arriving import PIECE
from dockerflow.scheduler.receiving import MOST, Receiver
from dockerflow.store import sockets
from dockerflow.store.base import hash_of
from dockerflow.store.blobs import Blobs
from dockerflow.store.delivery import LEAST, NAME, SIZE, deliver

LARGE = os.urandom(LEAST)
HASH = hash_of([LARGE])


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    folder = tmp_path / "outbox"
    folder.mkdir()
    return folder


@pytest.fixture
def receiver(blobs: Blobs, outbox: Path) -> Iterator[Receiver]:
    receiver = Receiver(outbox, blobs)
    yield receiver
    receiver.close()
    receiver.join()


@pytest.fixture
def container(blobs: Blobs, outbox: Path) -> Blobs:
    """The store as a container sees it."""
    return Blobs(blobs.root, outbox)


@pytest.mark.usefixtures("receiver")
@pytest.mark.parametrize("size", [LEAST, PIECE * 3 - 1, PIECE * 3, PIECE * 3 + 1])
def test_a_large_blob_goes_into_the_store_and_not_through_the_outbox(
    blobs: Blobs, container: Blobs, outbox: Path, size: int
) -> None:
    pieces = [os.urandom(size // 3), b"", memoryview(os.urandom(size - size // 3))]
    sha256 = container.put(pieces)
    blobs.verify(sha256)
    assert sha256 == hash_of(pieces)
    assert container.written == [sha256]
    assert bytes(container.get(sha256)) == b"".join(pieces)
    assert _names(outbox) == [NAME]


@pytest.mark.usefixtures("receiver")
def test_what_was_delivered_is_like_any_blob_and_adopted_without_its_file(
    blobs: Blobs, container: Blobs, outbox: Path
) -> None:
    path = blobs.path(container.put([LARGE]))
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    blobs.adopt(outbox, HASH)
    assert [found.sha256 for found in blobs.every()] == [HASH]
    assert blobs.written == []


@pytest.mark.usefixtures("receiver")
def test_small_blobs_and_such_as_are_made_while_they_are_written_go_through_the_outbox(
    container: Blobs, outbox: Path
) -> None:
    small, made = container.put([LARGE[1:]]), container.put(iter([LARGE]))
    assert _names(outbox) == sorted([NAME, small, made])


@pytest.mark.usefixtures("receiver")
def test_a_blob_that_was_cut_in_the_store_is_mended(blobs: Blobs, container: Blobs) -> None:
    path = blobs.path(container.put([LARGE]))
    path.chmod(0o644)
    path.write_bytes(b"cut")
    container.put([LARGE])
    blobs.verify(HASH)


def test_nobody_listens(container: Blobs, outbox: Path) -> None:
    assert deliver(outbox, [LARGE]) is None
    assert container.put([LARGE]) == HASH
    assert _names(outbox) == [HASH]


def test_who_listened_is_gone(receiver: Receiver, container: Blobs, outbox: Path) -> None:
    receiver.close()
    receiver.join()
    assert container.put([LARGE]) == HASH
    assert _names(outbox) == [NAME, HASH]


def test_a_store_that_cannot_be_written_leaves_it_to_the_outbox(tmp_path: Path, container: Blobs, outbox: Path) -> None:
    (tmp_path / "blobs").write_text("no folder")
    receiver = Receiver(outbox, Blobs(tmp_path / "blobs"))
    try:
        assert deliver(outbox, [LARGE]) is None
    finally:
        receiver.close()
        receiver.join()


@pytest.mark.usefixtures("receiver")
@pytest.mark.parametrize("sent", [b"", b"12", SIZE.pack(LEAST), SIZE.pack(LEAST) + LARGE[1:]])
def test_nothing_is_left_of_a_delivery_that_was_broken_off(
    receiver: Receiver, blobs: Blobs, outbox: Path, sent: bytes
) -> None:
    with sockets.connect(str(outbox / NAME)) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    receiver.close()
    receiver.join()
    assert [path for path in blobs.root.rglob("*") if path.is_file()] == []


@pytest.mark.usefixtures("receiver")
def test_what_would_fill_the_disk_is_not_taken(outbox: Path) -> None:
    with sockets.connect(str(outbox / NAME)) as connection:
        connection.sendall(SIZE.pack(1 << 60))
        assert connection.recv(1) == b""


def test_a_delivery_that_stands_still_is_broken_off(blobs: Blobs, outbox: Path) -> None:
    receiver = Receiver(outbox, blobs, patience=0.05)
    with sockets.connect(str(outbox / NAME)) as connection:
        connection.sendall(SIZE.pack(LEAST) + LARGE[1:])
        assert connection.recv(1) == b""
    receiver.close()
    receiver.join()
    assert [path for path in blobs.root.rglob("*") if path.is_file()] == []


def test_the_end_of_a_worker_ends_its_deliveries(receiver: Receiver, blobs: Blobs, outbox: Path) -> None:
    with sockets.connect(str(outbox / NAME)) as connection:
        connection.sendall(SIZE.pack(LEAST) + LARGE[1:])
        receiver.close()
        receiver.join()
        assert connection.recv(1) == b""
    assert [path for path in blobs.root.rglob("*") if path.is_file()] == []


@pytest.mark.usefixtures("receiver")
def test_who_is_one_too_many_is_not_kept_waiting(container: Blobs, outbox: Path) -> None:
    """Other steps of this user see the socket: whoever stands about there must not stop a run."""
    busy = [sockets.connect(str(outbox / NAME)) for _ in range(MOST)]
    assert container.put([LARGE]) == HASH
    assert _names(outbox) == [NAME, HASH]
    for each in busy:
        each.close()


@pytest.mark.usefixtures("receiver")
def test_the_hash_is_of_what_was_written_whatever_the_memory_becomes_meanwhile(blobs: Blobs, container: Blobs) -> None:
    memory, ended = bytearray(16 * LEAST), threading.Event()

    def change() -> None:
        with open("/dev/urandom", "rb", buffering=0) as source:
            while not ended.is_set():
                source.readinto(memory)

    changing = threading.Thread(target=change)
    changing.start()
    try:
        sha256 = container.put([memory])
    finally:
        ended.set()
        changing.join()
    blobs.verify(sha256)


@pytest.mark.usefixtures("receiver")
def test_several_deliver_at_the_same_time(blobs: Blobs, container: Blobs) -> None:
    contents = [bytes([number]) * (LEAST + number) for number in range(MOST // 2)]
    threads = [threading.Thread(target=container.put, args=([content],)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    hashes = sorted(hashlib.sha256(content).hexdigest() for content in contents)
    assert [found.sha256 for found in blobs.every()] == sorted(container.written) == hashes
    for sha256 in hashes:
        blobs.verify(sha256)


def test_the_outbox_may_be_far_down_in_the_file_system(tmp_path: Path, blobs: Blobs) -> None:
    outbox = tmp_path / ("long" * 30) / ("long" * 30)
    outbox.mkdir(parents=True)
    receiver = Receiver(outbox, blobs)
    assert deliver(outbox, [LARGE]) == HASH
    receiver.close()
    receiver.join()


def test_only_the_owner_of_the_outbox_may_deliver(tmp_path: Path, blobs: Blobs, outbox: Path) -> None:
    if os.geteuid() == 0:
        os.chown(outbox, 65534, 65534)
    receiver = Receiver(outbox, blobs)
    found, owner = (outbox / NAME).stat(), outbox.stat()
    assert stat.S_IMODE(found.st_mode) == 0o600
    assert (found.st_uid, found.st_gid) == (owner.st_uid, owner.st_gid)
    receiver.close()
    receiver.join()


def test_a_step_that_asked_for_the_signal_of_broken_pipes_is_not_killed_by_one(tmp_path: Path, outbox: Path) -> None:
    (tmp_path / "blobs").write_text("no folder")
    receiver = Receiver(outbox, Blobs(tmp_path / "blobs"))
    before = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        assert deliver(outbox, [LARGE * 4]) is None
    finally:
        signal.signal(signal.SIGPIPE, before)
        receiver.close()
        receiver.join()


def test_the_timeout_that_a_step_sets_for_its_sockets_is_not_ours(
    receiver: Receiver, container: Blobs, outbox: Path
) -> None:
    socket.setdefaulttimeout(1e-6)
    try:
        container.put([LARGE * 8])
    finally:
        socket.setdefaulttimeout(None)
    assert _names(outbox) == [NAME]


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_worker_that_is_started_again_has_somebody_to_deliver_to(blobs: Blobs, outbox: Path) -> None:
    before = Receiver(outbox, blobs)
    before.close()
    before.join()
    receiver = Receiver(outbox, blobs)
    assert deliver(outbox, [LARGE]) == HASH
    receiver.close()
    receiver.join()
