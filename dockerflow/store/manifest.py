"""The artifacts of one task, in one blob.

A task that ran for a millisecond must not cost ten files. So its small artifacts are packed into the blob that names
them all, and only large ones get a blob of their own, which equal values then share:

    "DFMANIF1" · length of the header, 8 bytes little endian · header (JSON) · padding to 64 · packed artifacts

The header is {"artifacts": {name: [blob, offset, size, sha256, type, libraries, step]}}. An empty `blob` means this
very blob, and `offset` then counts from the first packed artifact; packed artifacts are aligned to 64 bytes. Artifacts
that a task only passes on are not copied: their entry points at the blob that holds them.

The same values give the same bytes, hence the same hash, as far as `dockerflow.artifacts.codec` promises it.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import field
from typing import Any, Dict, List, Mapping, Tuple

from dockerflow.artifacts import codec
from dockerflow.artifacts.errors import CannotDecode
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.base import BlobStore, Chunk, computed_again, hash_of
from dockerflow.store.errors import DamagedBlob, DamagedRecord, MissingBlob

MAGIC = b"DFMANIF1"
_LENGTH = struct.Struct("<Q")
_START = len(MAGIC) + _LENGTH.size

# An encoded artifact of this size or more is a blob of its own.
LARGE = 1 << 16

# What a manifest blob's own artifacts say where others name a blob.
HERE = ""


@dataclass(frozen=True)
class ArtifactRef:
    """Where one encoded artifact is (`size` bytes at `offset` of `blob`), what it is, and what wrote it.

    `sha256` is of the encoded artifact: equal values of two tasks have equal ones, wherever they are stored.
    `libraries` are versions by module name, that of Python among them. `name` is its name in the manifest that it was
    read from, and `step` the step that made the value, which others may have passed on. Older manifests have no step.
    """

    blob: str
    offset: int
    size: int
    sha256: str
    type: str
    libraries: Mapping[str, str] = field(default_factory=dict)
    name: str = field(default="", compare=False)
    step: str = field(default="", compare=False)


@dataclass(frozen=True)
class Manifest:
    """A task's artifacts by name, sorted."""

    artifacts: Mapping[str, ArtifactRef]


def write(blobs: BlobStore, own: Mapping[str, Any], inherited: Mapping[str, ArtifactRef], step: str = "") -> str:
    """Encode the values of `own`, which `step` made, store them with the refs of `inherited`; the manifest's hash.

    A name in both means the value of `own`. Raises CannotEncode, which says what inside which artifact is to blame.
    """
    refs: Dict[str, ArtifactRef] = {name: ref for name, ref in inherited.items() if name not in own}
    packed: List[Chunk] = []
    end = 0
    for name, value in sorted(own.items()):
        encoded = codec.encode(value, name)
        if encoded.size >= LARGE:
            sha256 = blobs.put(encoded.chunks)
            refs[name] = _ref_to(encoded, sha256, 0, sha256, step)
            continue
        sha256 = hash_of(encoded.chunks)
        refs[name] = _ref_to(encoded, HERE, end, sha256, step)
        packed += [*encoded.chunks, bytes(_padding(encoded.size))]
        end += encoded.size + _padding(encoded.size)
    return blobs.put([_head(refs), *packed])


def read(blobs: BlobStore, sha256: str) -> Manifest:
    """The manifest with this hash. Raises MissingBlob, DamagedBlob or DamagedRecord."""
    view = blobs.get(sha256)
    length = _header_length(view, sha256)
    start = _START + length + _padding(_START + length)
    try:
        entries = json.loads(bytes(view[_START : _START + length]))["artifacts"]
        refs = {name: _ref(name, entry, sha256, start) for name, entry in entries.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedRecord(f"blob `{sha256}` is not a manifest of artifacts that this version can read") from error
    return Manifest(refs)


def read_of(blobs: BlobStore, sha256: str, whose: str) -> Manifest:
    """As `read`, with errors that say whose artifacts they are."""
    try:
        return read(blobs, sha256)
    except (MissingBlob, DamagedBlob, DamagedRecord) as error:
        hint = f"`dockerflow store uses {sha256}` lists what uses it; {computed_again(error)}"
        raise type(error)(f"the artifacts of {whose} cannot be read: {error.message}", hint) from error


def load(blobs: BlobStore, ref: ArtifactRef, reader: str = "this Python") -> Any:
    """The value of an artifact. Raises MissingBlob, DamagedBlob, or CannotDecode with what wrote it and what the
    `reader` has."""
    view = content(blobs, ref)
    try:
        return codec.decode(view, codec.Written(ref.name, ref.step, ref.type, ref.libraries, reader))
    except CannotDecode:
        verify(blobs, ref)  # large blobs are not checked when they are read: libraries are not to blame for a disk
        raise


def content(blobs: BlobStore, ref: ArtifactRef) -> memoryview:
    """The encoded bytes of an artifact."""
    view = blobs.get(ref.blob)
    if ref.offset + ref.size > len(view):
        raise DamagedBlob(f"blob `{ref.blob}` is damaged: it ends at {len(view)}, before the artifact in it does")
    return view[ref.offset : ref.offset + ref.size]


def verify(blobs: BlobStore, ref: ArtifactRef) -> None:
    """Compare an artifact's bytes with its hash. Raises MissingBlob or DamagedBlob."""
    if hashlib.sha256(content(blobs, ref)).hexdigest() != ref.sha256:
        raise DamagedBlob(f"blob `{ref.blob}` is damaged: an artifact in it does not have its hash `{ref.sha256}`")


def _head(refs: Mapping[str, ArtifactRef]) -> bytes:
    entries = {
        name: [ref.blob, ref.offset, ref.size, ref.sha256, ref.type, dict(sorted(ref.libraries.items())), ref.step]
        for name, ref in sorted(refs.items())
    }
    header = json.dumps({"artifacts": entries}, separators=(",", ":")).encode()
    return MAGIC + _LENGTH.pack(len(header)) + header + bytes(_padding(_START + len(header)))


def _header_length(view: memoryview, sha256: str) -> int:
    if bytes(view[: len(MAGIC)]) != MAGIC or len(view) < _START:
        raise DamagedRecord(f"blob `{sha256}` is not a manifest of artifacts")
    length: Tuple[int] = _LENGTH.unpack(view[len(MAGIC) : _START])
    return length[0]


def _ref_to(encoded: codec.Encoded, blob: str, offset: int, sha256: str, step: str) -> ArtifactRef:
    return ArtifactRef(blob, offset, encoded.size, sha256, encoded.type_name, encoded.libraries, step=step)


def _ref(name: str, entry: List[Any], sha256: str, start: int) -> ArtifactRef:
    blob, offset, size, of_value, type_name, libraries, step, *_ = [*entry, ""]
    if blob == HERE:
        blob, offset = sha256, start + offset
    return ArtifactRef(blob, offset, size, of_value, type_name, libraries, name, step)


def _padding(size: int) -> int:
    return -size % codec.ALIGNMENT
