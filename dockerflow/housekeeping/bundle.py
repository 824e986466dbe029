"""A bundle: one run, with what it takes to run it again, in one file.

It is a tar of a store in a folder, with an index in front:

    bundle.json                     what follows: names, sizes and hashes of all of it
    runs/<flow>/<run id>/…          the run's objects, as in a store
    locks/<spec hash>.yml
    blobs/<first two digits>/<sha256>

Members come in the order of their names and carry nothing of the moment or of who wrote them: the same run gives the
same bytes. It is not compressed, as package files are already. What is in the index and not in the file, or the other
way round, has another size, or a name that has no place in a store, makes it no bundle; bytes are compared with their
hashes as they are read. The index itself is not signed: who imports a bundle trusts whoever made it, as he does whose
flow he runs.
"""

from __future__ import annotations

import json
import re
import tarfile
from dataclasses import field
from pathlib import Path
from typing import Any

from dockerflow.housekeeping.errors import BundleError
from dockerflow.housekeeping.references import RunName
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import runs
from dockerflow.store.base import is_hash

__all__ = ["INDEX", "Index", "blob_member", "read_index"]

INDEX = "bundle.json"

KIND = "dockerflow bundle"

# Raise it when an older dockerflow could not make sense of a bundle any more.
VERSION = 1

# Larger ones are none of ours: a run of a hundred thousand blobs has one of ten megabytes.
_LARGEST_INDEX = 1 << 28
_FLOW = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Index:
    """What is in a bundle. `objects` are the sizes and hashes by key, `blobs` sizes by hash; `left_out` are blobs of
    the run that were not asked for. `images`: whether what its images are made of is there, too.
    """

    run: RunName
    objects: dict[str, tuple[int, str]] = field(default_factory=dict)
    blobs: dict[str, int] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    images: bool = True

    def to_bytes(self) -> bytes:
        value = {
            "kind": KIND,
            "version": VERSION,
            "run": list(self.run),
            "images": self.images,
            "objects": {key: list(found) for key, found in self.objects.items()},
            "blobs": self.blobs,
            "left_out": sorted(self.left_out),
        }
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()

    @property
    def members(self) -> dict[str, int]:
        """Sizes by name, in the order in which they are in the file; the index is in front of them."""
        objects = {key: size for key, (size, _) in sorted(self.objects.items())}
        return objects | {blob_member(sha256): size for sha256, size in sorted(self.blobs.items())}

    @property
    def size(self) -> int:
        return sum(self.members.values())


def blob_member(sha256: str) -> str:
    return f"blobs/{sha256[:2]}/{sha256}"


def read_index(path: Path) -> tuple[Index, dict[str, int]]:
    """The index, and where each member begins. Raises BundleError for what is no bundle, or not all of one."""
    try:
        with tarfile.open(path, "r:") as tar:
            first = tar.next()
            if first is None or first.name != INDEX or not first.isreg() or first.size > _LARGEST_INDEX:
                raise _no_bundle(path, f"it does not begin with `{INDEX}`")
            content = tar.extractfile(first)
            index = _index(path, content.read() if content else b"")
            return index, _places(path, tar, index)
    except FileNotFoundError as error:
        raise BundleError(f"there is no file `{path}`", "name what `dockerflow export` has written") from error
    except tarfile.TarError as error:
        raise _no_bundle(path, "it is no tar, or is cut off") from error
    except OSError as error:
        hint = "name what `dockerflow export` has written" if path.is_dir() else None
        raise BundleError(f"`{path}` cannot be read: {error.strerror}", hint) from error


def _no_bundle(path: Path, why: str) -> BundleError:
    return BundleError(
        f"`{path}` is no bundle: {why}",
        "`dockerflow export RUN FILE` writes one; if it was one, fetch it again: it was changed on the way",
    )


def _index(path: Path, data: bytes) -> Index:
    try:
        value = json.loads(data)
        kind, version = value["kind"], value["version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _no_bundle(path, f"its `{INDEX}` cannot be read") from error
    if kind != KIND or type(version) is not int:
        raise _no_bundle(path, f"its `{INDEX}` is another program's")
    if version > VERSION:
        raise BundleError(f"`{path}` was written by a newer dockerflow", "import it with that, or one as new")
    try:
        return _checked(value)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _no_bundle(path, f"its `{INDEX}` is not as dockerflow writes it") from error


def _checked(value: Any) -> Index:
    """Raises ValueError for names that have no place in a store, and for sizes that no file has."""
    run = RunName(*map(str, value["run"]))
    objects = {str(key): (_size(size), str(sha256)) for key, (size, sha256) in value["objects"].items()}
    blobs = {str(sha256): _size(size) for sha256, size in value["blobs"].items()}
    left_out = frozenset(map(str, value["left_out"]))
    folder = re.escape(runs.run_key(*run))
    key = re.compile(
        rf"{folder}/(claim|mirror|journal/[\d-]+\.jsonl|tags/\w[\w.-]*|logs/\w[\w.-]*)|locks/[0-9a-f]+\.yml"
    )
    hashes = [*blobs, *left_out, *(sha256 for _, sha256 in objects.values())]
    if not (_FLOW.fullmatch(run.flow) and runs.is_id(run.run_id) and all(map(is_hash, hashes))):
        raise ValueError(run)
    if not all(key.fullmatch(each) for each in objects):
        raise ValueError(objects)
    return Index(run, objects, blobs, left_out, bool(value["images"]))


def _size(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(value)
    return value


def _places(path: Path, tar: tarfile.TarFile, index: Index) -> dict[str, int]:
    """Where the members begin. Raises BundleError where they are not those of the index."""
    places: dict[str, int] = {}
    members = index.members
    end = path.stat().st_size
    for member in tar:
        if member.name == INDEX and member.offset == 0:
            continue
        if member.name not in members or member.name in places or not member.isreg():
            raise _no_bundle(path, f"it has a member `{member.name}` that its index does not have")
        if member.size != members[member.name] or member.offset_data + member.size > end:
            raise _no_bundle(path, f"its member `{member.name}` is cut off, or has another size than its index says")
        places[member.name] = member.offset_data
    lacking = next((name for name in members if name not in places), None)
    if lacking is not None:
        raise _no_bundle(path, f"it lacks {len(members) - len(places):,} of its files, `{lacking}` first")
    return places
