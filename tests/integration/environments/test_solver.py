"""Specs that have a solution: what is in their locks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from dockerflow.environments.errors import ChannelError, InvalidSpec
from dockerflow.environments.fit import satisfies
from dockerflow.environments.lock import Lock
from dockerflow.environments.lock_file import dumps, loads
from dockerflow.environments.solver import solve
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.setup.channel import LocalChannel
from tests.channel import PANDAS_NEW, PANDAS_OLD, PYTHON
from tests.integration.environments.small_channel import SmallChannel

MakeChannel = Callable[[str], SmallChannel]
StripHashes = Callable[[SmallChannel, str], None]


def versions(lock: Lock) -> dict[str, str]:
    return {package.name: package.version for package in lock.packages}


def test_a_lock_has_what_was_asked_for_and_all_that_it_needs(channel: SmallChannel) -> None:
    spec = channel.spec(pandas="1.5.3")
    lock = solve(spec)
    assert versions(lock) == {
        "numpy": "1.26.4", "openssl": "3.0", "pandas": "1.5.3", "python": "3.11.9", "pytz": "2024.1",
    }  # fmt: skip
    assert (lock.platform, lock.requested, lock.channels) == ("linux-64", ("pandas",), spec.channels)
    assert lock.spec_hash == spec.spec_hash
    assert satisfies(lock, spec) == []


def test_the_newest_packages_that_fit_are_taken(channel: SmallChannel) -> None:
    newest = versions(solve(channel.spec(pandas="")))
    assert (newest["pandas"], newest["numpy"]) == ("2.2.2", "2.1.0")
    assert versions(solve(channel.spec(">=3")))["python"] == "3.12.4"


def test_each_package_is_named_by_its_content(channel: SmallChannel) -> None:
    for package in solve(channel.spec(pandas="1.5.3")).packages:
        archive = Path(urlsplit(package.url).path).read_bytes()
        assert package.sha256 == hashlib.sha256(archive).hexdigest()
        assert package.md5 == hashlib.md5(archive).hexdigest()
        assert package.size == len(archive)
        assert package.file_name.startswith(f"{package.name}-{package.version}-{package.build}")


def test_both_archive_formats_and_noarch_are_taken(channel: SmallChannel) -> None:
    pytz = solve(channel.spec(pytz="")).package("pytz")
    assert pytz is not None
    assert pytz.url == f"{channel.url}/noarch/pytz-2024.1-0.tar.bz2"


def test_a_dependency_that_is_named_twice_counts_in_both_parts(channel: SmallChannel) -> None:
    pandas = solve(channel.spec(pandas="1.5.3")).package("pandas")
    assert pandas is not None
    assert dict(pandas.dependencies)["numpy"] == ">=1.20,<2"


def test_a_solved_lock_survives_its_file(channel: SmallChannel) -> None:
    lock = solve(channel.spec(pandas="1.5.3"))
    assert loads(dumps(lock), "a lock") == lock


def test_the_same_spec_gives_the_same_lock(channel: SmallChannel) -> None:
    assert dumps(solve(channel.spec(pandas="2.2.2"))) == dumps(solve(channel.spec(pandas="2.2.2")))


def test_specs_are_solved_side_by_side_in_threads(channel: SmallChannel) -> None:
    specs = [channel.spec(pandas="1.5.3"), channel.spec(pandas="2.2.2"), channel.spec("3.10"), channel.spec(numpy="")]
    with ThreadPoolExecutor(8) as pool:
        locks = list(pool.map(solve, specs * 8))
    assert [lock.lock_hash for lock in locks] == [solve(spec).lock_hash for spec in specs] * 8


def test_the_image_counts_and_not_this_machine(channel: SmallChannel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDA_OVERRIDE_GLIBC", "2.5")
    monkeypatch.setenv("CONDA_OVERRIDE_CUDA", "12.0")
    assert "needs-debian-libc" in versions(solve(channel.spec(needs_debian_libc="")))


def test_another_platform_is_solved_on_this_one(make_channel: MakeChannel) -> None:
    channel = make_channel("arm")
    channel.add("python", "3.11.9", "__archspec * aarch64", subdir="linux-aarch64")
    channel.index()
    (python,) = solve(replace(channel.spec(), platform="linux-aarch64")).packages
    assert "/linux-aarch64/" in python.url


def test_a_platform_without_step_images_is_refused(channel: SmallChannel) -> None:
    with pytest.raises(InvalidSpec, match="step `train` cannot run on the platform `osx-64`"):
        solve(replace(channel.spec(), platform="osx-64"), ("train",))


def test_the_first_channel_that_has_a_package_is_the_only_one_for_it(
    channel: SmallChannel, make_channel: MakeChannel
) -> None:
    first = make_channel("first")
    first.add("pytz", "2020.1", subdir="noarch")
    first.index()
    spec = replace(channel.spec(pytz=""), channels=(first.url, channel.url))
    assert versions(solve(spec))["pytz"] == "2020.1"


def test_a_version_that_only_a_later_channel_has_is_taken_from_there(
    channel: SmallChannel, make_channel: MakeChannel
) -> None:
    first = make_channel("first")
    first.add("pytz", "2020.1", subdir="noarch")
    first.index()
    spec = replace(channel.spec(pytz="2024.1"), channels=(first.url, channel.url))
    assert versions(solve(spec))["pytz"] == "2024.1"


def test_a_library_with_its_own_channel_is_from_there(channel: SmallChannel, make_channel: MakeChannel) -> None:
    second = make_channel("second")
    second.add("pytz", "2020.1", subdir="noarch")
    second.index()
    spec = EnvironmentSpec("3.11", ((f"{second.url}::pytz", ""),), (channel.url, second.url), "linux-64")
    lock = solve(spec)
    assert versions(lock)["pytz"] == "2020.1"
    assert lock.requested == ("pytz",)


def test_a_channel_that_has_changed_is_read_anew(channel: SmallChannel) -> None:
    solve(channel.spec(pytz=""))
    channel.add("pytz", "2025.1", "python", subdir="noarch")
    channel.index()
    assert versions(solve(channel.spec(pytz="")))["pytz"] == "2025.1"


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_hashes_that_a_channel_does_not_tell_are_read_from_the_archive(
    channel: SmallChannel, strip_hashes: StripHashes, kind: str
) -> None:
    told = solve(channel.spec(pandas="1.5.3"))
    strip_hashes(channel, kind)
    assert solve(channel.spec(pandas="1.5.3")) == told


def test_an_archive_that_is_not_what_its_channel_announces_is_refused(
    channel: SmallChannel, strip_hashes: StripHashes
) -> None:
    strip_hashes(channel, "md5")
    with next(channel.folder.rglob("python-3.11*")).open("ab") as archive:
        archive.write(b"more")
    with pytest.raises(ChannelError, match="is not the package that its channel announces"):
        solve(channel.spec())


def test_two_pandas_of_the_real_channel_are_two_locks(test_channel: LocalChannel) -> None:
    specs = [
        EnvironmentSpec(PYTHON, (("pandas", version),), (test_channel.url,), "linux-64")
        for version in (PANDAS_OLD, PANDAS_NEW)
    ]
    old, new = (solve(spec) for spec in specs)
    assert versions(old)["pandas"] == PANDAS_OLD
    assert versions(new)["pandas"] == PANDAS_NEW
    assert old.lock_hash != new.lock_hash
