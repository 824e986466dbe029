"""Layers on disk: written once, found by what went into them, checked when they are used.

    layers/<diff_id>.tar    the layers, by their content
    keys/<layer_key>.json   which layer a key gave: diff_id and size

A key whose file is missing or has another size counts for nothing, and the layer is built again. The bytes are hashed
when they are sent (`read`), so that a damaged file never reaches an engine. Any number of processes may share a cache:
files appear whole, and two that build the same layer write the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from dockerflow.images.errors import LayerDamaged, explaining_full_disk
from dockerflow.images.files import canonical_json, chunks, new_file, read_json, write_json
from dockerflow.images.image import Layer
from dockerflow.images.tar import LayerWriter
from dockerflow.lazy_dataclasses import dataclass

_DIFF_ID = re.compile(r"sha256:[0-9a-f]{64}")


def layer_key(*parts: object) -> str:
    """64 hex digits over what went into a layer: JSON values, the first the record's kind, the second its version."""
    return hashlib.sha256(canonical_json(parts)).hexdigest()


@dataclass(frozen=True)
class LayerCache:
    folder: Path

    def find(self, key: str, title: str) -> Layer | None:
        """The layer of `key` if its file is there and complete by its size."""
        layer = self.remembered(key, title)
        return layer if layer is not None and is_complete(layer) else None

    def remembered(self, key: str, title: str) -> Layer | None:
        """The layer that `key` gave, whether or not its file is still there."""
        return read_json(self._key(key), lambda found: self.kept([found["diff_id"], found["size"], title]))

    def write(self, key: str, title: str, content: Callable[[LayerWriter], None]) -> Layer:
        """Build the layer of `key`; `content` fills and closes it."""
        folder = self.folder / "layers"
        with explaining_full_disk(folder, f"the layer `{title}`"):
            with new_file(folder) as new:
                out = LayerWriter(new.file)
                content(out)
                layer = self.layer(out.diff_id, out.size, title)
                new.keep_as(layer.path.name)
            self.remember(key, layer)
        return layer

    def remember(self, key: str, layer: Layer) -> None:
        write_json(self._key(key), {"diff_id": layer.diff_id, "size": layer.size})

    def layer(self, diff_id: str, size: int, title: str) -> Layer:
        """The layer as a value, whether or not its file is there."""
        return Layer(diff_id, self.folder / "layers" / f"{diff_id.removeprefix('sha256:')}.tar", size, title)

    def kept(self, found: Any) -> Layer:
        """The layer of a record [diff_id, size, title]. Raises TypeError or ValueError if it is none."""
        diff_id, size, title = found
        if type(size) is not int or not isinstance(title, str) or not _DIFF_ID.fullmatch(diff_id):
            raise ValueError(f"no layer: {found}")
        return self.layer(diff_id, size, title)

    def _key(self, key: str) -> Path:
        return self.folder / "keys" / f"{key}.json"


def is_complete(layer: Layer) -> bool:
    try:
        return layer.path.stat().st_size == layer.size
    except FileNotFoundError:
        return False


def verify(layer: Layer) -> None:
    """Raises `LayerDamaged` if the file is not the layer, and removes it."""
    for _ in read(layer):
        pass


def read(layer: Layer) -> Iterator[bytes]:
    """The layer's bytes. Raises `LayerDamaged` at the end if they were others, and removes the file."""
    digest = hashlib.sha256()
    try:
        with layer.path.open("rb") as file:
            read_file = os.fstat(file.fileno())
            for block in chunks(file):
                digest.update(block)
                yield block
    except FileNotFoundError as error:
        raise LayerDamaged(layer.diff_id, layer.title, "no file") from error
    found = f"sha256:{digest.hexdigest()}"
    if found != layer.diff_id:
        _remove(layer.path, read_file)
        raise LayerDamaged(layer.diff_id, layer.title, found)


def _remove(path: Path, damaged: os.stat_result) -> None:
    """Remove the file that was read, not a good one that another process has put into its place since."""
    with suppress(FileNotFoundError):
        if os.path.samestat(path.stat(), damaged):
            path.unlink()
