"""Locks as conda-lock files (version 1), which conda-lock, micromamba and mamba read too.

    https://conda.github.io/conda-lock/output/#unified-lockfile

Written here is exactly what conda-lock's own models write, in the same order of keys, without any time: equal locks
are equal bytes, and a changed package is a changed entry. A file may hold one environment's locks for several
platforms, a package's entries beside each other. What the format has no field for (which packages were asked for, the
hash of the spec, sizes, the steps) is custom metadata under names that begin with `dockerflow.`. Reading takes any file
of the format; one that dockerflow did not write, or that was changed since, is also held against conda-lock's models.
Those take half a second to import, so they are left alone on the way that every run goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from dockerflow import credentials
from dockerflow.environments.errors import LockFileError
from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.environments.lock_document import Document, Key
from dockerflow.lazy_dataclasses import dataclass

VERSION = 1

HEADER = """\
# The exact packages of one environment, written by dockerflow. It is a conda-lock file: `conda-lock install` makes the
# same environment elsewhere, and so does `micromamba create -f` under a name that ends in `-lock.yml`.
"""
_SPEC_HASH, _LOCK_HASH, _REQUESTED = "spec_hash", "lock_hash", "requested"
_FLOW, _STEPS = "dockerflow.flow", "dockerflow.steps"
_CATEGORY = "main"  # the others are for development and are not installed
_HEX = {"sha256": re.compile(r"[0-9a-f]{64}"), "md5": re.compile(r"[0-9a-f]{32}")}
_ARCHIVE = re.compile(r".+-(?P<build>[^-]+)(\.conda|\.tar\.bz2)")

_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class OtherPlatform(LockFileError):
    """The file is sound but has no packages for the platform that was asked for."""


@dataclass(frozen=True)
class Whose:
    """The steps of a flow whose environment a committed file holds."""

    flow: str = ""
    steps: tuple[str, ...] = ()


NOBODY = Whose()


@dataclass(frozen=True)
class LockFile:
    """A lock as it was read. `intact`: it carries the hash of its own packages, so it is as dockerflow wrote it."""

    lock: Lock
    intact: bool
    whose: Whose = NOBODY

    @property
    def ours(self) -> bool:
        """Whether dockerflow wrote it, whatever was done to it since."""
        return bool(self.lock.spec_hash)


def dumps(lock: Lock, *others: Lock, whose: Whose = NOBODY) -> str:
    """The locks of one environment, each for another platform, as a conda-lock file.

    Raises LockFileError for a conda package without the md5 that the format wants.
    """
    locks = sorted((lock, *others), key=lambda each: each.platform)
    for package in (package for each in locks for package in each.packages):
        if package.manager == "conda" and package.md5 is None:
            raise LockFileError(f"`{package.name}` has no md5, which a conda-lock file must have for a conda package")
    channels = lock.channels
    if any(each.channels != channels for each in others):
        channels = tuple(dict.fromkeys(channel for each in locks for channel in each.channels))
    document = {
        "version": VERSION,
        "metadata": {
            "content_hash": {each.platform: each.spec_hash for each in locks},
            "channels": [{"url": channel, "used_env_vars": []} for channel in channels],
            "platforms": [each.platform for each in locks],
            "sources": [],
            "custom_metadata": _custom(locks, whose),
        },
        "package": [_entry(package, platform) for package, platform in _sorted(locks)],
    }
    body: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1 << 16)
    return HEADER + _of_steps(whose) + body


def loads(text: str, source: str, platform: str | None = None) -> Lock:
    """The lock in `text`; `source` is where it is from, for messages. See `read`."""
    return read(text, source, platform).lock


def read(text: str, source: str, platform: str | None = None) -> LockFile:
    """The lock of one platform, by default of the only one. Raises LockFileError, which names `source` and line."""
    document = _document(text, source)
    return _read(document, _platform(document, platform))


def read_every(text: str, source: str) -> list[LockFile]:
    """The locks of all platforms. Raises LockFileError, as `read` does."""
    document = _document(text, source)
    return [_read(document, str(platform)) for platform in document.list("metadata", "platforms")]


def _document(text: str, source: str) -> Document:
    document = Document.parse(text, source)
    if document.get("version") != VERSION:
        raise document.error(
            ("version",),
            f"the format's version is `{document.get('version')}`, and only {VERSION} is known",
        )
    return document


def _read(document: Document, platform: str) -> LockFile:
    custom = document.mapping("metadata", "custom_metadata", default={})
    lock = Lock(
        platform=platform,
        packages=tuple(_packages(document, platform, custom)),
        requested=tuple(str(custom.get(_own(platform, _REQUESTED), "")).split()),
        channels=tuple(_channels(document)),
        spec_hash=str(custom.get(_own(platform, _SPEC_HASH), "")),
    )
    intact = custom.get(_own(platform, _LOCK_HASH)) == lock.lock_hash
    if not intact:
        document.hold_against_conda_lock()
    return LockFile(lock, intact, Whose(str(custom.get(_FLOW, "")), tuple(str(custom.get(_STEPS, "")).split())))


def _of_steps(whose: Whose) -> str:
    """A line of the header."""
    if not whose.steps:
        return ""
    names = ", ".join(whose.steps)
    return (
        f"# For {'step' if len(whose.steps) == 1 else 'steps'} {names} of {whose.flow}; `dockerflow lock` renews it.\n"
    )


def _custom(locks: Sequence[Lock], whose: Whose) -> dict[str, str]:
    found = {_FLOW: whose.flow, _STEPS: " ".join(whose.steps)} if whose.steps else {}
    for lock in locks:
        found[_own(lock.platform, _SPEC_HASH)] = lock.spec_hash
        found[_own(lock.platform, _LOCK_HASH)] = lock.lock_hash
        found[_own(lock.platform, _REQUESTED)] = " ".join(lock.requested)
    sizes = {
        _size_key(package.name, package.sha256): str(package.size)
        for package, _ in _sorted(locks)
        if package.size is not None
    }
    return found | sizes


def _sorted(locks: Sequence[Lock]) -> list[tuple[LockedPackage, str]]:
    found = [(package, lock.platform) for lock in locks for package in lock.packages]
    return sorted(found, key=lambda pair: (pair[0].manager, pair[0].name, pair[1]))


def _own(platform: str, name: str) -> str:
    return f"dockerflow.{platform}.{name}"


def _size_key(name: str, sha256: str) -> str:
    return f"dockerflow.size.{name}-{sha256[:12]}"


def _entry(package: LockedPackage, platform: str) -> dict[str, object]:
    hashes = {"md5": package.md5, "sha256": package.sha256}
    return {
        "name": package.name,
        "version": package.version,
        "manager": package.manager,
        "platform": platform,
        "dependencies": dict(package.dependencies),
        "url": package.url,
        "hash": {name: value for name, value in hashes.items() if value is not None},
        **({"build": package.build} if package.build else {}),
        "category": _CATEGORY,
        "optional": False,
    }


def _platform(document: Document, wanted: str | None) -> str:
    platforms = document.list("metadata", "platforms")
    if wanted is None and len(platforms) == 1:
        return str(platforms[0])
    if wanted is None:
        raise document.error(("metadata", "platforms"), f"it is for {len(platforms)} platforms where one was expected")
    if wanted not in platforms:
        there = ", ".join(f"`{platform}`" for platform in platforms) or "none"
        raise OtherPlatform(
            document.error(("metadata", "platforms"), f"it has no packages for `{wanted}`, only for {there}").message,
            f"lock for it, too: `dockerflow lock FLOW.PY --platform {wanted}`, or for a file of conda-lock's own"
            f" `conda-lock lock -p {wanted}`",
        )
    return wanted


def _channels(document: Document) -> Iterator[str]:
    for index, channel in enumerate(document.list("metadata", "channels")):
        url = str(channel["url"] if isinstance(channel, Mapping) and "url" in channel else channel)
        yield _without_secrets(document, ("metadata", "channels", index), url)


def _packages(document: Document, platform: str, custom: Mapping[str, object]) -> Iterator[LockedPackage]:
    seen: set[tuple[str, str]] = set()
    for index in range(len(document.list("package"))):
        entry = document.mapping("package", index)
        if entry.get("platform") != platform or entry.get("category", _CATEGORY) != _CATEGORY:
            continue
        package = _package(document, index, custom)
        if (package.manager, package.name) in seen:
            raise document.error(("package", index), f"`{package.name}` is there twice")
        seen.add((package.manager, package.name))
        yield package


def _package(document: Document, index: int, custom: Mapping[str, object]) -> LockedPackage:
    at = ("package", index)
    manager = document.text(*at, "manager")
    if manager not in ("conda", "pip"):
        raise document.error((*at, "manager"), f"the manager `{manager}` is neither `conda` nor `pip`")
    url, _, fragment = document.text(*at, "url").partition("#")
    hashes = {kind: _hash(document, index, kind) for kind in _HEX}
    sha256 = hashes["sha256"] or _told_by(fragment)
    if sha256 is None:
        name = document.text(*at, "name")
        raise document.error(
            (*at, "hash"),
            f"`{name}` has no sha256, so what is downloaded could not be checked",
            "make the lock again with a tool that writes hashes, such as `dockerflow lock`",
        )
    dependencies = document.mapping(*at, "dependencies", default={})
    name = document.text(*at, "name")
    size = custom.get(_size_key(name, sha256))
    return LockedPackage(
        manager="conda" if manager == "conda" else "pip",
        name=name,
        version=document.text(*at, "version"),
        build=_build(document.mapping(*at).get("build"), url) if manager == "conda" else "",
        url=_without_secrets(document, (*at, "url"), url),
        sha256=sha256,
        md5=hashes["md5"],
        size=int(size) if isinstance(size, str) and size.isdecimal() else None,
        dependencies=tuple(sorted((str(name), str(spec)) for name, spec in dependencies.items())),
    )


def _without_secrets(document: Document, at: tuple[Key, ...], url: str) -> str:
    """Other tools write credentials into URLs. None may get from there into what is kept and built."""
    try:
        return credentials.without(url)
    except ValueError as error:
        raise document.error(at, f"its URL cannot be read: {error}") from error


def _told_by(fragment: str) -> str | None:
    """The hash at the end of the URL of a wheel, as package indexes and conda-lock write it."""
    kind, _, value = fragment.partition("=")
    return value if kind == "sha256" and _HEX[kind].fullmatch(value) else None


def _hash(document: Document, index: int, kind: str) -> str | None:
    value = document.mapping("package", index, "hash", default={}).get(kind)
    if value is not None and not _HEX[kind].fullmatch(str(value)):
        raise document.error(("package", index, "hash", kind), f"`{value}` is not the hex digits of a {kind}")
    return None if value is None else str(value)


def _build(build: object, url: str) -> str:
    """The build string; older files have it in the archive's name alone (`name-version-build.conda`)."""
    if build is not None:
        return str(build)
    archive = _ARCHIVE.fullmatch(url.rsplit("/", 1)[-1])
    return archive["build"] if archive else ""
