"""What a relay does with its worker's stream, and with a worker that takes what it is sent slowly, or not at all."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockerflow.runtime.messages import RunTask, encode
from dockerflow.runtime.packets import magic
from dockerflow.runtime.relayed import READ, Child, FramePieces, Piece, is_message
from dockerflow.runtime.session import FRAME, ClientSide, Item, RelaySide

TASK = encode(RunTask("Flow", "1", "start", "1", 0, True, "0" * 64, ()))


def frame(body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + body


def test_a_message_is_told_by_the_beginning_of_its_frame() -> None:
    assert is_message("RunTask", TASK[:20])
    assert not is_message("TaskResult", TASK)
    assert not is_message("Run", TASK)


@given(st.lists(st.binary(max_size=80)), st.integers(1, 30))
def test_frames_are_cut_where_they_end_and_begin_with_what_names_their_message(bodies: list[bytes], step: int) -> None:
    pieces = FramePieces()
    stream = b"".join(map(frame, bodies))
    found: list[bytes] = []
    for begin in range(0, len(stream), step):
        for piece in pieces.feed(stream[begin : begin + step]):
            if piece.is_first:
                found.append(b"")
                assert piece.is_last or len(piece.content) >= 20
            found[-1] += piece.content
            assert piece.is_last == (not pieces.is_inside)
    assert found == list(map(frame, bodies))
    assert pieces.end() is None


@pytest.mark.parametrize("begun", [0, 1, 19])
def test_every_piece_fits_into_a_packet_wherever_its_frame_begins(begun: int) -> None:
    """What was too little to tell the message comes with what is read next, which may be as much as is read at once."""
    session, whole = RelaySide(magic("worker"), lambda: True), frame(bytes(2 * READ))
    client = ClientSide(magic("worker"), len(whole))
    client.attach()
    session.feed(client.output())
    pieces, heard = FramePieces(), list[Item]()
    for received in (whole[:begun], whole[begun : begun + READ], whole[begun + READ :]):
        for piece in pieces.feed(received):
            session.outgoing.add_piece(FRAME, piece.content, piece.is_last)
    while session.has_output():
        heard += client.feed(session.output())
    assert [item.content for item in heard] == [whole]


def test_a_frame_that_is_cut_off_gets_an_end() -> None:
    pieces = FramePieces()
    (first,) = pieces.feed(frame(bytes(100))[:50])
    assert (first.is_first, first.is_last) == (True, False)
    assert pieces.end() == Piece(b"", False, True)
    pieces = FramePieces()
    assert list(pieces.feed(b"\0\0")) == []
    assert pieces.end() == Piece(b"\0\0", True, True)


@pytest.fixture
def pipes() -> Iterator[tuple[int, Child]]:
    """Where a worker would read, and the child; its own streams are of no matter."""
    stdin, stdout, stderr = os.pipe(), os.pipe(), os.pipe()
    yield stdin[0], Child(0, stdin[1], stdout[0], stderr[0])
    for each in (stdout[1], stderr[1], stdout[0], stderr[0]):
        os.close(each)


def test_an_item_is_done_when_the_worker_has_all_of_it(pipes: tuple[int, Child]) -> None:
    reading, child = pipes
    large = bytes(1 << 20)
    assert child.send(b"first", 1) == 1
    assert child.send(large, 9) == 0
    assert child.send(b"", 10) == 0
    assert child.is_written_to
    received, done = b"", 0
    while done != 10:
        received += os.read(reading, 1 << 16)
        done = child.write() or done
    while block := os.read(reading, 1 << 16):
        received += block
    assert received == b"first" + large
    assert child.stdin is None
    assert child.send(b"after the end", 11) == 11
    os.close(reading)


def test_what_is_sent_to_a_worker_that_has_ended_is_done(pipes: tuple[int, Child]) -> None:
    reading, child = pipes
    os.close(reading)
    assert child.send(b"first", 1) == 1
    assert child.send(b"second", 2) == 2
    assert not child.is_written_to


def test_a_worker_ran_out_of_memory_only_where_no_earlier_task_was_what_did(tmp_path: Path) -> None:
    """The kernel counts the kills of the whole container, all its life."""

    def killed(count: int) -> None:
        (tmp_path / "memory.events").write_text(f"oom {count}\noom_kill {count}\n")

    killed(1)
    with Path(os.devnull).open("r+b") as nothing:
        child = Child(0, nothing.fileno(), nothing.fileno(), nothing.fileno(), str(tmp_path))
    child.status = signal.SIGKILL
    assert not child.exit(False).out_of_memory
    killed(2)
    assert child.exit(False).out_of_memory
    assert not child.exit(True).out_of_memory
    child.status = None
    child.task_ended()
    child.status = signal.SIGKILL
    assert not child.exit(False).out_of_memory
    killed(3)
    child.task_ended()  # heard of when the worker was gone already
    assert child.exit(False).out_of_memory
