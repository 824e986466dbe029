"""A lock from the solver is kept, and solved again where what was kept is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.environments.errors import Unsatisfiable
from dockerflow.environments.lock import Lock
from dockerflow.environments.locks import lock_for
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.progress import EnvironmentLocked, EnvironmentSolving, Event
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.runs import lock_key
from tests.integration.environments.small_channel import SmallChannel


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "store")


def ask(spec: EnvironmentSpec, store: DirectoryStore) -> tuple[Lock, list[Event]]:
    events: list[Event] = []
    return lock_for(spec, store, store.root.parent / "flow.py", events.append, ("train",)), events


def test_a_spec_is_solved_once(channel: SmallChannel, store: DirectoryStore) -> None:
    spec = channel.spec(pandas="1.5.3")
    first, events = ask(spec, store)
    solving, locked = events
    assert solving == EnvironmentSolving(("train",))
    assert isinstance(locked, EnvironmentLocked)
    assert (locked.source, locked.packages) == ("solved", 5)

    again, events = ask(spec, store)
    assert again == first
    assert [event.source for event in events if isinstance(event, EnvironmentLocked)] == ["store"]
    assert len(events) == 1


def test_a_kept_lock_is_kept_when_the_channel_moves_on(channel: SmallChannel, store: DirectoryStore) -> None:
    first, _ = ask(channel.spec(pytz=""), store)
    channel.add("pytz", "2025.1", subdir="noarch")
    channel.index()
    assert ask(channel.spec(pytz=""), store)[0] == first


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"version: 1\n"])
def test_a_damaged_lock_is_solved_again_and_replaced(
    channel: SmallChannel, store: DirectoryStore, damage: bytes
) -> None:
    spec = channel.spec(pandas="1.5.3")
    first, _ = ask(spec, store)
    kept = store.get(lock_key(spec.spec_hash))
    store.put(lock_key(spec.spec_hash), damage)
    again, events = ask(spec, store)
    assert again == first
    assert isinstance(events[0], EnvironmentSolving)
    assert store.get(lock_key(spec.spec_hash)) == kept


def test_a_lock_that_was_cut_short_is_damaged_at_any_length(channel: SmallChannel, store: DirectoryStore) -> None:
    spec = channel.spec(pytz="")
    first, _ = ask(spec, store)
    kept = store.get(lock_key(spec.spec_hash))
    assert kept is not None
    for length in range(0, len(kept) - 1, 97):
        store.put(lock_key(spec.spec_hash), kept[:length])
        assert ask(spec, store)[0] == first


def test_a_spec_without_solution_keeps_nothing(channel: SmallChannel, store: DirectoryStore) -> None:
    spec = channel.spec(pandas="7")
    with pytest.raises(Unsatisfiable):
        ask(spec, store)
    assert not store.exists(lock_key(spec.spec_hash))
