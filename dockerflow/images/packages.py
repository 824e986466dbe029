"""Package archives: fetched once, verified always.

An archive is used only after its sha256 was found to be the locked one; what does not match is not kept. Archives of
channels and folders on this machine (`file://`) are used where they lie; as anyone may write there, whoever makes
something of one asks afterwards whether it is still the file that was verified (`check_unchanged`).

A store may have archives, too, as blobs: a blob's name is the hash that the lock has. They are taken from there before
a channel is asked, and in place of a file on this machine that is gone or is another one now.

Unpacking is in `archive`; which packages there are was decided in `environments`.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import field
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import unquote, urlsplit

from dockerflow import credentials
from dockerflow.environments.lock import LockedPackage
from dockerflow.images.errors import PackageError, explaining_full_disk
from dockerflow.images.files import new_file, sha256_of
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.progress import Notify, PackageFetching, ignore
from dockerflow.store.base import BlobStore
from dockerflow.store.errors import StoreError

# How often a download is reported: every so many bytes. `notify` may raise, which ends the download.
_REPORT_EVERY = 256 * 1024

# Bytes per second below which a download is given up, and the size of a package whose size nobody knows.
_SLOWEST = 50_000
_UNKNOWN_SIZE = 200_000_000


class Stamp(NamedTuple):
    """What tells a file from one that was written in its place, or into it."""

    device: int
    inode: int
    size: int
    mtime_ns: int


def stamp(package: LockedPackage) -> Stamp | None:
    """Of the archive of a channel or folder on this machine; None if there is none. To be taken before `fetch`."""
    if not package.url.startswith("file:"):
        return None  # the cache's files are replaced by equal ones only
    try:
        found = Path(unquote(urlsplit(package.url).path)).stat()
    except OSError:
        return None
    return Stamp(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def check_unchanged(package: LockedPackage, verified: Stamp | None) -> None:
    """Raises `PackageError` if the archive is not the file any more that it was when it was verified."""
    if stamp(package) != verified:
        raise PackageError(
            f"package `{package.file_name}` was changed while it was read, at `{credentials.hidden(package.url)}`: "
            "what was read may not be what is in the lock",
            hint="run again when nothing writes to that channel or folder any more",
        )


@dataclass(frozen=True)
class PackageCache:
    """Archives below `folder`, by hash. Several processes may share it. `mirror` are the blobs of a store."""

    folder: Path
    pauses: tuple[float, ...] = (0.5, 2.0)  # seconds before the second try, the third, …
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    mirror: BlobStore | None = None

    def fetch(self, package: LockedPackage, notify: Notify = ignore) -> Path:
        """The archive, verified. Raises `PackageError` if it cannot be had or is another than the locked one."""
        if not package.url.startswith("file:"):
            return self._kept(package, notify) or self._download(package, notify)
        try:
            return _where_it_lies(package)
        except PackageError:
            kept = self._kept(package, notify)
            if kept is None:
                raise
            return kept

    def find(self, package: LockedPackage) -> Path | None:
        """Where the archive is if it is on this machine; not verified."""
        local = package.url.startswith("file:")
        path = Path(unquote(urlsplit(package.url).path)) if local else self._path(package)
        return path if path.is_file() else None

    def _path(self, package: LockedPackage) -> Path:
        return self.folder / package.sha256 / package.file_name

    def _cached(self, package: LockedPackage) -> Path | None:
        """None also for one that was damaged since. It stays until it is replaced: another process may have done so."""
        path = self._path(package)
        return path if path.is_file() and sha256_of(path) == package.sha256 else None

    def _kept(self, package: LockedPackage, notify: Notify) -> Path | None:
        return self._cached(package) or self._mirrored(package, notify)

    def _mirrored(self, package: LockedPackage, notify: Notify) -> Path | None:
        """The archive as the mirror has it; None for one that it has not, or cannot give: a channel may have it."""
        try:
            if self.mirror is None or not self.mirror.has(package.sha256):
                return None
            return self._copied(package, self.mirror.stream(package.sha256), notify)
        except StoreError:
            return None

    def _copied(self, package: LockedPackage, blocks: Iterable[bytes], notify: Notify) -> Path:
        """Raises what `blocks` raises where they are not the bytes that were asked for."""
        path = self._path(package)
        with explaining_full_disk(self.folder, f"package `{package.file_name}`"), new_file(path.parent) as new:
            writer = _Writer(new.file, package, notify)
            for block in blocks:
                writer.write(block)
            writer.report()
            new.keep_as(path.name)
        return path

    def _download(self, package: LockedPackage, notify: Notify) -> Path:
        for pause in (*self.pauses, None):
            try:
                return self._try(package, notify)
            except _NoAnswerError as error:
                if pause is None or error.final:
                    raise _unreachable(package, str(error)) from error
                self.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _try(self, package: LockedPackage, notify: Notify) -> Path:
        # They take long to import, and most runs fetch nothing.
        import rattler  # noqa: PLC0415
        from rattler.package_streaming import download_to_writer  # noqa: PLC0415

        from dockerflow.environments import event_loop  # noqa: PLC0415

        path = self._path(package)
        with explaining_full_disk(self.folder, f"package `{package.file_name}`"), new_file(path.parent) as new:
            writer = _Writer(new.file, package, notify)
            try:
                client = rattler.Client.default_client(max_retries=0, timeout=_patience(package))
                event_loop.run(download_to_writer(client, package.url, writer))
            except (RuntimeError, OSError) as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise
                raise _NoAnswerError(str(error)) from error
            writer.report()
            _verify(package, writer.digest.hexdigest(), writer.done)
            new.keep_as(path.name)
        return path


class _NoAnswerError(Exception):
    """A try that failed; `final` if another would fail as well."""

    @property
    def final(self) -> bool:
        return "client error (4" in str(self)


class _Writer:
    """Takes a download's blocks: hashes, writes and reports them."""

    def __init__(self, file: IO[bytes], package: LockedPackage, notify: Notify) -> None:
        self._file = file
        self._package = package
        self._notify = notify
        self._reported = 0
        self.digest = hashlib.sha256()
        self.done = 0

    def write(self, data: bytes) -> None:
        self.digest.update(data)
        self._file.write(data)
        self.done += len(data)
        if self.done - self._reported >= _REPORT_EVERY:
            self.report()

    def report(self) -> None:
        self._reported = self.done
        self._notify(PackageFetching(self._package.file_name, self.done, self._package.size))


def _where_it_lies(package: LockedPackage) -> Path:
    path = Path(unquote(urlsplit(package.url).path))
    try:
        _verify(package, sha256_of(path), path.stat().st_size)
    except OSError as error:
        raise _unreachable(package, f"`{path}`: {error.strerror}") from error
    return path


def _verify(package: LockedPackage, sha256: str, size: int) -> None:
    if sha256 == package.sha256:
        return
    raise PackageError(
        f"package `{package.file_name}` is not the one in the lock: expected sha256 {package.sha256}, "
        f"found {sha256} ({size} bytes) at `{credentials.hidden(package.url)}`",
        hint="the channel or index has changed it, or it was tampered with; if you trust where it is from, lock again",
    )


def _patience(package: LockedPackage) -> int:
    """Seconds that a whole download may take: a server that says nothing more must not be waited for for good."""
    return 60 + (package.size or _UNKNOWN_SIZE) // _SLOWEST


def _unreachable(package: LockedPackage, reason: str) -> PackageError:
    wanted = "HTTP status" in reason and credentials.wanted(reason)
    looked = "check the network and the channel with `dockerflow doctor`, or lock again if the package was removed"
    what = f"package `{package.file_name}` could not be fetched from `{package.url}`: {reason}"
    return PackageError(credentials.hidden(what), hint=credentials.WANTED if wanted else looked)
