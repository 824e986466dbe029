"""Where a lock comes from, for specs whose lock is there already. Solving is in `tests/integration`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from dockerflow.environments.committed import folder as committed_folder
from dockerflow.environments.errors import LockFileError
from dockerflow.environments.fit import satisfies
from dockerflow.environments.lock import Lock
from dockerflow.environments.lock_file import dumps
from dockerflow.environments.locks import lock_for
from dockerflow.progress import EnvironmentLocked, Event
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.runs import lock_key
from tests.unit.environments.locks_by_hand import lock, package, spec

SPEC = spec(pandas="1.5.*")
OLD, NEW = lock(SPEC, package("pandas", "1.5.3")), lock(SPEC, package("pandas", "1.5.9"))


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    return tmp_path / "flow.py"


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    """A store that has NEW of an earlier run."""
    store = DirectoryStore(tmp_path / "store")
    store.put(lock_key(SPEC.spec_hash), dumps(NEW).encode())
    return store


def commit(flow: Path, name: str, text: str) -> Path:
    folder = committed_folder(flow)
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def found(store: DirectoryStore, flow: Path) -> tuple[Lock, str]:
    events: list[Event] = []
    lock = lock_for(SPEC, store, flow, events.append, ("train", "test"))
    event = events[-1]
    assert isinstance(event, EnvironmentLocked)
    assert (event.steps, event.packages) == (("train", "test"), len(lock.packages))
    return lock, event.source


def foreign(lock: Lock) -> str:
    document = yaml.safe_load(dumps(lock))
    del document["metadata"]["custom_metadata"]
    return yaml.safe_dump(document, sort_keys=False)


def test_the_stores_lock_is_used_without_solving(store: DirectoryStore, flow: Path) -> None:
    assert found(store, flow) == (NEW, "store")


def test_a_committed_lock_goes_before_the_stores(store: DirectoryStore, flow: Path) -> None:
    commit(flow, "anything.yml", dumps(OLD))
    assert found(store, flow) == (OLD, "committed")


def test_a_committed_lock_is_found_among_those_of_other_steps(store: DirectoryStore, flow: Path) -> None:
    other = spec(pandas="1.5.3", numpy="1.26")
    commit(flow, "a.yml", dumps(lock(other, package("pandas", "1.5.3"), package("numpy", "1.26"))))
    commit(flow, "b.yaml", dumps(OLD))
    commit(flow, "readme.txt", "no lock")
    assert found(store, flow) == (OLD, "committed")


def test_a_committed_lock_of_another_spec_or_platform_is_passed_over(store: DirectoryStore, flow: Path) -> None:
    commit(flow, "a.yml", dumps(lock(spec(pandas="1.5.3"), package("pandas", "1.5.3"))))
    commit(flow, "b.yml", dumps(replace(OLD, platform="linux-aarch64")))
    assert found(store, flow) == (NEW, "store")


def test_a_lock_of_another_tool_is_used_if_it_satisfies_the_spec(store: DirectoryStore, flow: Path) -> None:
    commit(flow, "conda-lock.yml", foreign(OLD))
    used, source = found(store, flow)
    assert source == "committed"
    assert (used.spec_hash, used.requested) == (SPEC.spec_hash, ("pandas",))
    assert used.lock_hash == OLD.lock_hash


def test_a_lock_of_another_tool_that_does_not_satisfy_is_passed_over(store: DirectoryStore, flow: Path) -> None:
    commit(flow, "conda-lock.yml", foreign(lock(SPEC, package("pandas", "2.0"))))
    assert found(store, flow) == (NEW, "store")


def test_an_edited_lock_is_used_as_long_as_it_satisfies(store: DirectoryStore, flow: Path) -> None:
    commit(flow, "a.yml", dumps(OLD).replace("version: 1.5.3", "version: 1.5.2"))
    assert found(store, flow)[1] == "committed"
    commit(flow, "a.yml", dumps(OLD).replace("version: 1.5.3", "version: 1.4.0"))
    assert found(store, flow)[1] == "store"


def test_a_committed_lock_that_cannot_be_read_is_an_error(store: DirectoryStore, flow: Path) -> None:
    path = commit(flow, "a.yml", "<<<<<<< HEAD\n" + dumps(OLD))
    with pytest.raises(LockFileError, match="is not YAML") as caught:
        found(store, flow)
    assert f"{path}:" in caught.value.message


def test_locks_are_looked_for_beside_the_flow(flow: Path) -> None:
    assert committed_folder(flow) == flow.parent / "flow.locks"


def test_a_lock_satisfies_the_spec_that_it_was_made_for() -> None:
    assert satisfies(OLD, SPEC) == []


def test_what_a_lock_lacks_is_said_for_every_requirement() -> None:
    wanted = spec("3.12", pandas=">=2", numpy="")
    assert satisfies(OLD, wanted) == [
        "`numpy` is not in it",
        "it has `pandas 1.5.3`, and `pandas >=2` is asked for",
        "it has `python 3.11.9`, and `python 3.12` is asked for",
    ]


def test_a_lock_for_another_platform_does_not_satisfy() -> None:
    assert satisfies(OLD, replace(SPEC, platform="linux-aarch64")) == [
        "it is for `linux-64`, and `linux-aarch64` is asked for"
    ]
