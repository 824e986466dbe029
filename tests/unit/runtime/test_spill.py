"""Pieces that nobody has acknowledged: in memory up to a limit, then in a file, then no more are taken."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dockerflow.runtime.outgoing import Outgoing
from dockerflow.runtime.spill import Spill


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.binary(min_size=1, max_size=30), st.integers(0, 4)), max_size=60))
def test_pieces_come_back_as_they_were_wherever_they_are(tmp_path: Path, story: list[tuple[bytes, int]]) -> None:
    outgoing, kept = Outgoing(Spill(str(tmp_path), memory=50, disk=200)), list[bytes]()
    for content, acknowledged in story:
        kept.append(content)
        outgoing.add(1, content)
        del kept[:acknowledged]
        outgoing.acknowledge(outgoing.first + acknowledged - 1)
        outgoing.rewind(0)
        taken = iter(outgoing.take, None)
        assert [piece[1][1:] for piece in taken if piece] == kept


def test_there_is_room_in_memory_and_on_the_disk_only_where_that_is_wanted(tmp_path: Path) -> None:
    spill = Spill(str(tmp_path), memory=10, disk=20)
    places = [spill.put(bytes(10))]
    assert not spill.has_room(False)
    assert spill.has_room(True)
    places += [spill.put(bytes(10)), spill.put(bytes(10))]
    assert not spill.has_room(True)
    for place in places[1:]:
        spill.free(place)
    assert spill.has_room(True)
    assert not spill.has_room(False)
    spill.free(places[0])
    assert spill.has_room(False)


def test_the_file_has_no_name(tmp_path: Path) -> None:
    spill = Spill(str(tmp_path), memory=0)
    place = spill.put(b"on the disk")
    assert list(tmp_path.iterdir()) == []
    assert spill.get(place) == b"on the disk"


def test_where_there_is_no_disk_pieces_stay_in_memory_and_no_more_are_taken(tmp_path: Path) -> None:
    spill = Spill(str(tmp_path / "no such folder"), memory=0)
    place = spill.put(b"all the same")
    assert spill.get(place) == b"all the same"
    assert not spill.has_room(True)
