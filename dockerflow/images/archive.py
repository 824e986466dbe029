"""Read a conda package archive as a stream, whichever of the two formats it has.

`.conda` is a zip of two zstd tars, metadata and payload; `.tar.bz2` is one tar with the metadata below `info/`, as a
rule first but not always. Both are read forwards only and never as a whole: memory is bounded by a decompression window
and the metadata, not by the package. The formats:
https://docs.conda.io/projects/conda-build/en/stable/resources/package-spec.html

What the metadata means is in `metadata`; nothing here knows where files go.
"""

from __future__ import annotations

import bz2
import json
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import zstandard

from dockerflow.images.errors import PackageError
from dockerflow.images.files import CHUNK
from dockerflow.images.memory import DECOMPRESSION
from dockerflow.lazy_dataclasses import dataclass

if TYPE_CHECKING:
    from typing_extensions import Self

# What is read from `info/`; the rest of it (recipes, tests, licences) stays in the archive.
_WANTED = frozenset(
    f"info/{name}" for name in ("index.json", "paths.json", "link.json", "files", "has_prefix", "no_link")
)

# What tarfile reads at once. It copies what is left of it at every header, so more is slower.
_BUFFER = 1 << 16

# Metadata is read into memory, so all of it together has a limit. The largest `paths.json` seen in the wild has about
# 40 MB.
_MAX_METADATA = 128 * 1024 * 1024

# A tar's own records about a file (a long name, a time) are read into memory, too.
_MAX_RECORD = 1024 * 1024
_RECORDS = (
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK
)  # fmt: skip

BROKEN = "the channel's file is broken; use another build of the package, or tell the channel"


@dataclass(frozen=True)
class CondaArchive:
    """One archive on disk, known by `name` in messages."""

    path: Path
    name: str

    def info(self) -> dict[str, bytes]:
        """The metadata files that matter, by their name in the archive (`info/index.json`); read anew each time."""
        found: dict[str, bytes] = {}
        with self._open("info-") as tar:
            for member in members(tar):
                name = normal(member.name)
                if name in _WANTED and member.isreg():
                    self._check_size(name, member.size + sum(map(len, found.values())))
                    found[name] = cast(IO[bytes], tar.extractfile(member)).read()
                elif not name.startswith("info/") and _complete(found):
                    break
        if "info/index.json" not in found:
            raise self.malformed("there is no `info/index.json` in it")
        return found

    @contextmanager
    def payload(self) -> Iterator[tarfile.TarFile]:
        """The tar with the package's files, to be iterated once, forwards; it may carry `info/` too."""
        with self._open("pkg-") as tar:
            yield tar

    @contextmanager
    def file(self, path: str) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
        """One regular file, found by reading the payload anew: for what a stream cannot give in order."""
        with self.payload() as tar:
            for member in members(tar):
                if member.isreg() and normal(member.name) == path:
                    yield member, cast(IO[bytes], tar.extractfile(member))
                    return
        raise self.malformed(f"it has a hard link to `{path}`, which is not a file in it")

    def malformed(self, reason: str) -> PackageError:
        return PackageError(f"package `{self.name}` cannot be unpacked: {reason}", hint=BROKEN)

    def _check_size(self, name: str, size: int) -> None:
        if size > _MAX_METADATA:
            raise self.malformed(f"its metadata has {size} bytes with `{name}`, more than {_MAX_METADATA}")

    @contextmanager
    def _open(self, part: str) -> Iterator[tarfile.TarFile]:
        try:
            with ExitStack() as stack:
                stream = self._conda_part(stack, part) if self.path.name.endswith(".conda") else self._bz2(stack)
                yield stack.enter_context(
                    tarfile.open(fileobj=stream, mode="r|", bufsize=_BUFFER, tarinfo=_Member, errorlevel=1)
                )
        except (tarfile.TarError, zstandard.ZstdError, zlib.error, EOFError) as error:
            raise self.malformed(str(error)) from error
        except OSError as error:
            if error.errno is not None:  # bz2 reports bad data as an OSError without a number
                raise
            raise self.malformed(str(error)) from error

    def _bz2(self, stack: ExitStack) -> IO[bytes]:
        return cast(IO[bytes], stack.enter_context(bz2.open(self.path, "rb")))

    def _conda_part(self, stack: ExitStack, part: str) -> IO[bytes]:
        try:
            archive = stack.enter_context(zipfile.ZipFile(self.path))
            name = next((n for n in archive.namelist() if n.startswith(part) and n.endswith(".tar.zst")), None)
            if name is None:
                raise self.malformed(f"there is no `{part}….tar.zst` in it")
            window = _window(archive, name)
        # What `zipfile` says to a zip that is cut, encrypted, packed in a way that it does not know, or no zip.
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError, OverflowError) as error:
            raise self.malformed(str(error)) from error
        stack.enter_context(DECOMPRESSION.take(window))
        packed = stack.enter_context(archive.open(name))
        reader = zstandard.ZstdDecompressor().stream_reader(packed, read_size=CHUNK, read_across_frames=True)
        return cast(IO[bytes], stack.enter_context(reader))


def _window(archive: zipfile.ZipFile, name: str) -> int:
    """How much the decompressor of a member will keep."""
    with archive.open(name) as packed:
        return zstandard.get_frame_parameters(packed.read(18)).window_size


def members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """What is in a tar that is read once, forwards. `tarfile` would remember every member."""
    for member in tar:
        yield member
        tar.members.clear()  # type: ignore[attr-defined]


class _Member(tarfile.TarInfo):
    """A member whose own records are not larger than any real one's."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        member = super().frombuf(buf, encoding, errors)
        if member.type in _RECORDS and member.size > _MAX_RECORD:
            raise tarfile.ReadError(f"the tar has a record of {member.size} bytes about one file")
        return member


def normal(path: str) -> str:
    """A path in an archive without a leading `./`."""
    return path[2:] if path.startswith("./") else path


def _complete(found: dict[str, bytes]) -> bool:
    """Whether no metadata can be missing any more, so that the payload of a `.tar.bz2` need not be read for it."""
    if not {"info/index.json", "info/paths.json"} <= found.keys():
        return False
    return "info/link.json" in found or json.loads(found["info/index.json"]).get("noarch") != "python"
