"""Where the packages of an old lock are found, and which are missing."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.images.obtainable import obtainable
from dockerflow.images.packages import PackageCache
from dockerflow.store.directory import create


def package(channel: Path, name: str, content: bytes) -> LockedPackage:
    """One that lies in a channel."""
    path = channel / "noarch" / f"{name}-1-0.conda"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    return LockedPackage("conda", name, "1", "0", path.as_uri(), sha256, None, len(content))


def lock(*packages: LockedPackage) -> Lock:
    return Lock("linux-64", packages, (), (), "hash")


def cache(tmp_path: Path) -> PackageCache:
    return PackageCache(tmp_path / "cache", pauses=(), mirror=create(tmp_path / "mirror").blobs)


def test_a_lock_whose_packages_are_where_they_were_stays_as_it_is(tmp_path: Path) -> None:
    whole = lock(package(tmp_path / "old", "a", b"a"), package(tmp_path / "old", "b", b"b"))
    found = obtainable(whole, cache(tmp_path), ())
    assert (found.lock, found.missing) == (whole, ())


def test_a_package_is_found_by_its_name_in_a_channel_of_today(tmp_path: Path) -> None:
    gone = package(tmp_path / "old", "a", b"a")
    (tmp_path / "old" / "noarch" / "a-1-0.conda").unlink()
    here = package(tmp_path / "new", "a", b"a")
    channels = [(tmp_path / folder).as_uri() for folder in ("none", "new")]
    found = obtainable(lock(gone), cache(tmp_path), channels)
    assert found.lock.packages == (here,)
    assert found.lock.lock_hash == lock(gone).lock_hash


def test_another_package_of_the_same_name_is_not_taken(tmp_path: Path) -> None:
    gone = package(tmp_path / "old", "a", b"a")
    (tmp_path / "old" / "noarch" / "a-1-0.conda").unlink()
    package(tmp_path / "new", "a", b"another")
    kept = package(tmp_path / "old", "b", b"b")
    found = obtainable(lock(gone, kept), cache(tmp_path), [(tmp_path / "new").as_uri()])
    ((missing, error),) = found.missing
    assert missing == gone
    assert "No such file" in error.message
    assert found.lock == lock(gone, kept)


def test_what_the_store_keeps_is_not_missing(tmp_path: Path) -> None:
    packages = cache(tmp_path)
    assert packages.mirror is not None
    packages.mirror.put([b"a"])
    gone = replace(package(tmp_path / "old", "a", b"a"), url="file:///nowhere/noarch/a-1-0.conda")
    assert obtainable(lock(gone), packages, ()).missing == ()
