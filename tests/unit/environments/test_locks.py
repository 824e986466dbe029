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
from dockerflow.environments.lock_file import Whose, dumps
from dockerflow.environments.locks import lock_for
from dockerflow.environments.spec import EnvironmentSpec, GivenLock
from dockerflow.progress import EnvironmentLocked, Event, LockPassedOver, ignore
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.runs import lock_key
from tests.unit.environments.locks_by_hand import lock, package, spec, wheel

SPEC = spec(pandas="1.5.*")
OURS = Whose("Genres", ("train",))
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


def told(store: DirectoryStore, flow: Path, wanted: EnvironmentSpec = SPEC) -> list[Event]:
    events: list[Event] = []
    lock_for(wanted, store, flow, events.append, ("train", "test"))
    return events


def test_the_file_that_is_used_is_named(store: DirectoryStore, flow: Path) -> None:
    path = commit(flow, "a.yml", dumps(OLD))
    (event,) = told(store, flow)
    assert isinstance(event, EnvironmentLocked)
    assert event.path == str(path)


def test_a_lock_of_these_steps_is_used_as_long_as_it_fits_the_changed_spec(store: DirectoryStore, flow: Path) -> None:
    commit(flow, "a.yml", dumps(lock(spec(pandas="1.5.3"), package("pandas", "1.5.3")), whose=OURS))
    used, source = found(store, flow)
    assert source == "committed"
    assert (used.spec_hash, used.requested) == (SPEC.spec_hash, ("pandas",))


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lock(spec(pandas="1.4"), package("pandas", "1.4")), "it has `pandas 1.4`, and `pandas 1.5.*` is asked for"),
        (lock(spec("3.10", pandas=""), package("pandas", "1.5.3")), "it has `python 3.10.9`, and `python 3.11` is"),
        (lock(spec(numpy=""), package("numpy")), "`pandas` is not in it"),
        (
            lock(spec(pandas="", numpy=""), package("pandas", "1.5.3"), package("numpy")),
            "`numpy` is in it, and is not asked for any more",
        ),
        (replace(OLD, platform="linux-aarch64"), "it is for `linux-aarch64`, and `linux-64` is asked for"),
    ],
)
def test_a_lock_of_these_steps_that_does_not_fit_is_told(
    store: DirectoryStore, flow: Path, made: Lock, reason: str
) -> None:
    path = commit(flow, "a.yml", dumps(made, whose=OURS))
    passed_over, locked = told(store, flow)
    assert isinstance(passed_over, LockPassedOver)
    assert (passed_over.steps, passed_over.path) == (("train", "test"), str(path))
    assert passed_over.reason.startswith(reason)
    assert isinstance(locked, EnvironmentLocked)
    assert locked.source == "store"


def test_a_lock_from_which_somebody_took_a_package_is_passed_over(store: DirectoryStore, flow: Path) -> None:
    whole = lock(SPEC, package("pandas", "1.5.3", ("pytz", "")), package("pytz"))
    document = yaml.safe_load(dumps(whole, whose=OURS))
    document["package"] = [entry for entry in document["package"] if entry["name"] != "pytz"]
    commit(flow, "a.yml", yaml.safe_dump(document, sort_keys=False))
    passed_over, _ = told(store, flow)
    assert isinstance(passed_over, LockPassedOver)
    assert passed_over.reason == "`pandas 1.5.3` needs `pytz`, which is not in it"


def test_a_lock_for_another_python_serves_a_step_that_names_none(store: DirectoryStore, flow: Path) -> None:
    """Committed by one person, used by another whose Python is newer."""
    any_python = replace(SPEC, python="")
    made = replace(lock(spec("2.7", pandas="1.5.*"), package("pandas", "1.5.3")), spec_hash=any_python.spec_hash)
    commit(flow, "a.yml", dumps(made))
    (locked,) = told(store, flow, any_python)
    assert isinstance(locked, EnvironmentLocked)
    assert locked.source == "committed"


def test_one_file_for_several_platforms_serves_each(store: DirectoryStore, flow: Path) -> None:
    arm = replace(SPEC, platform="linux-aarch64")
    commit(flow, "a.yml", dumps(OLD, replace(NEW, platform="linux-aarch64", spec_hash=arm.spec_hash)))
    assert found(store, flow) == (OLD, "committed")
    assert lock_for(arm, store, flow, ignore, ("train",)).package("pandas") == NEW.package("pandas")


# --- a lock that a step names itself


def give(flow: Path, text: str, platform: str = "linux-64") -> GivenLock:
    file = flow.with_name("conda-lock.yml")
    file.write_text(text)
    return GivenLock(file, platform)


def refused(given: GivenLock, store: DirectoryStore, flow: Path) -> LockFileError:
    with pytest.raises(LockFileError) as caught:
        lock_for(given, store, flow, ignore, ("train", "test"))
    return caught.value


def test_a_given_lock_is_used_and_nothing_else(store: DirectoryStore, flow: Path) -> None:
    commit(flow, "a.yml", dumps(NEW, whose=OURS))
    given = give(flow, foreign(OLD))
    events: list[Event] = []
    used = lock_for(given, store, flow, events.append, ("train",))
    assert used.packages == tuple(replace(package, size=None) for package in OLD.packages)
    (event,) = events
    assert isinstance(event, EnvironmentLocked)
    assert (event.source, event.path) == ("given", str(given.file))


def test_what_nothing_else_needs_counts_as_asked_for(store: DirectoryStore, flow: Path) -> None:
    packages = (
        package("pandas", "1.5.3", ("numpy", "")),
        package("numpy"),
        wheel("paint", "1.0", "colours"),
        wheel("colours"),
    )
    used = lock_for(give(flow, foreign(lock(SPEC, *packages))), store, flow, ignore, ("train",))
    assert used.requested == ("paint", "pandas")


def test_a_given_lock_that_is_not_there(store: DirectoryStore, flow: Path) -> None:
    error = refused(GivenLock(flow.with_name("no.yml"), "linux-64"), store, flow)
    where = f"`{flow.with_name('no.yml')}` of the environment of steps `train` and `test`"
    assert error.message == f"the lock {where} is not there"


def test_a_lock_is_named_as_one_would_write_it_from_here(
    store: DirectoryStore, flow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(flow.parent)
    flow.with_name("mine.yml").write_text("- 1\n")
    error = refused(GivenLock(flow.with_name("mine.yml"), "linux-64"), store, flow)
    assert error.message.startswith("the lock `mine.yml` is not a mapping")


def test_a_given_lock_for_another_platform(store: DirectoryStore, flow: Path) -> None:
    given = give(flow, dumps(OLD), "linux-aarch64")
    error = refused(given, store, flow)
    assert error.message == (
        f"the lock `{given.file}:10` cannot be used: it has no packages for `linux-aarch64`, only for `linux-64`"
    )
    assert error.hint == (
        "lock for it, too: `dockerflow lock FLOW.PY --platform linux-aarch64`, or for a file of conda-lock's own"
        " `conda-lock lock -p linux-aarch64`"
    )


def test_a_given_lock_without_python(store: DirectoryStore, flow: Path) -> None:
    given = give(flow, dumps(replace(OLD, packages=(package("pandas", "1.5.3"),))))
    error = refused(given, store, flow)
    assert "of steps `train` and `test` has no `python` for linux-64" in error.message
    assert error.hint == ("a step runs in its environment's own Python: add `python` to what the lock was made from")


def test_a_given_lock_with_a_package_without_a_hash(store: DirectoryStore, flow: Path) -> None:
    document = yaml.safe_load(foreign(OLD))
    del document["package"][0]["hash"]["sha256"]
    text = yaml.safe_dump(document, sort_keys=False)
    given = give(flow, text)
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "hash:" in each and "content" not in each)
    assert refused(given, store, flow).message == (
        f"the lock `{given.file}:{line}` cannot be used: `pandas` has no sha256, so what is downloaded could not be"
        " checked"
    )


def test_a_given_lock_is_never_written_by_dockerflow(store: DirectoryStore, flow: Path) -> None:
    error = refused(give(flow, "version: 1\nmetadata: {}\n"), store, flow)
    assert error.hint == "restore the file, or make it again with the tool that wrote it"


def test_an_environment_file_is_no_lock(store: DirectoryStore, flow: Path) -> None:
    error = refused(give(flow, "channels: [conda-forge]\ndependencies:\n  - pandas\n"), store, flow)
    assert error.hint == "this is an environment file: name it as `@conda(file=...)`"


def test_a_given_lock_with_a_source_archive(store: DirectoryStore, flow: Path) -> None:
    source = replace(wheel("paint"), url="https://index.example/files/paint-1.0.tar.gz")
    error = refused(give(flow, dumps(replace(OLD, packages=(*OLD.packages, source)))), store, flow)
    assert "of steps `train` and `test`, `paint 1.0` is `paint-1.0.tar.gz`: a source archive" in error.message
    assert error.hint == "lock a version of `paint` that has a wheel, or take it from conda"


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
