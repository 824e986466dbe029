"""The image below every step's: found on the engine, pulled if it is not there.

A step image is named by the base's layers and its PATH, not by what an engine calls the base, so that it is the same on
engines with different image stores. The layers themselves are read from the engine once (`docker save`) and kept in the
layer cache: their sizes are part of the manifest, and an engine without the base must be sent them.
"""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import docker.errors
import zstandard
from docker import DockerClient

from dockerflow.images.engine import api, explaining_engine, stream
from dockerflow.images.errors import BaseImageError, explaining_full_disk
from dockerflow.images.files import CHUNK, chunks, new_file
from dockerflow.images.image import Layer
from dockerflow.images.layer_cache import LayerCache, is_complete, layer_key
from dockerflow.images.streams import IteratorStream
from dockerflow.images.tar import Hashed

DEFAULT_BASE = "debian:bookworm-slim"
TITLE = "base"

_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SETUP = "run `dockerflow setup`, which gets or makes one, or name another with the setting `base_image`"


@dataclass(frozen=True)
class BaseImage:
    """A base image on an engine. `digest` is the engine's name for it, `diff_ids` its layers, bottom first."""

    name: str
    digest: str
    diff_ids: tuple[str, ...]
    architecture: str
    path: str  # the PATH of its containers
    cache: LayerCache
    client: DockerClient = field(repr=False, compare=False)

    @property
    def key(self) -> list[object]:
        """What a step image depends on."""
        return [self.diff_ids, self.path]

    def layers(self) -> tuple[Layer, ...]:
        """The layers with their sizes; read from the engine if that was never done. Their files may have gone since."""
        found = tuple(self._known(diff_id) for diff_id in self.diff_ids)
        if all(found):
            return cast("tuple[Layer, ...]", found)
        self.restore()
        return tuple(cast(Layer, self._known(diff_id)) for diff_id in self.diff_ids)

    def restore(self) -> None:
        """Read the layers from the engine into the cache. Raises `BaseImageError`."""
        missing = set(self.diff_ids)
        with explaining_engine(f"reading the base image `{self.name}`", BaseImageError):
            blocks = stream(self.client, "GET", f"/images/{self.digest}/get").iter_content(CHUNK)
            with tarfile.open(fileobj=cast(IO[bytes], IteratorStream(blocks)), mode="r|", bufsize=CHUNK) as saved:
                for member in saved:
                    if member.isreg() and missing:
                        missing.discard(self._keep(cast(IO[bytes], saved.extractfile(member)), missing))
        if missing:
            raise BaseImageError(
                f"the engine's copy of the base image `{self.name}` lacks its layer {min(missing)}",
                hint=f"remove it with `docker image rm {self.name}`, then {_SETUP}",
            )

    def restore_missing(self, layers: Sequence[Layer]) -> None:
        """Restore the files of the base's layers if one of them is among `layers` and not there."""
        if any(layer.diff_id in self.diff_ids and not is_complete(layer) for layer in layers):
            self.restore()

    def _keep(self, packed: IO[bytes], missing: set[str]) -> str:
        """Keep one file of a saved image if it is a layer of ours, compressed or not."""
        folder = self.cache.folder / "layers"
        content = decompressed(packed)
        if content is None:
            return ""
        with explaining_full_disk(folder, f"the base image `{self.name}`"), new_file(folder) as new:
            out = Hashed(new.file)
            for block in chunks(content):
                out.write(block)
            if out.digest in missing:
                layer = self.cache.layer(out.digest, out.size, TITLE)
                new.keep_as(layer.path.name)
        if out.digest in missing:
            self.cache.remember(base_layer_key(out.digest), layer)
        return out.digest

    def _known(self, diff_id: str) -> Layer | None:
        return self.cache.remembered(base_layer_key(diff_id), TITLE)


def base_image(client: DockerClient, name: str, cache_dir: Path) -> BaseImage:
    """The base called `name`, pulled if the engine lacks it. Raises `BaseImageError`."""
    with explaining_engine(f"looking for the base image `{name}`", BaseImageError):
        try:
            found = api(client).inspect_image(name)
        except docker.errors.ImageNotFound:
            _pull(client, name)
            found = api(client).inspect_image(name)
    return BaseImage(
        name=name,
        digest=found["Id"],
        diff_ids=tuple(found["RootFS"]["Layers"]),
        architecture=found["Architecture"],
        path=_path(found),
        cache=LayerCache(cache_dir),
        client=client,
    )


def _pull(client: DockerClient, name: str) -> None:
    try:
        client.images.pull(name)
    except (docker.errors.APIError, docker.errors.ImageNotFound) as error:
        reason = error.explanation or str(error)
        raise BaseImageError(
            f"the base image `{name}` is not on the engine and cannot be pulled: {reason}", hint=_SETUP
        ) from error


def _path(found: dict[str, Any]) -> str:
    variables = dict(one.partition("=")[::2] for one in (found.get("Config") or {}).get("Env") or ())
    return variables.get("PATH") or _DEFAULT_PATH


def base_layer_key(diff_id: str) -> str:
    """Under what the cache remembers the size of a layer of a base."""
    return layer_key("dockerflow.base_layer", 1, diff_id)


def decompressed(packed: IO[bytes]) -> IO[bytes] | None:
    """The content of a layer file as an engine saves it; None for what is not one (metadata)."""
    start = packed.read(8)
    whole = cast(IO[bytes], io.BufferedReader(_Joined(start, packed), CHUNK))
    if start.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.GzipFile(fileobj=whole))
    if start.startswith(b"\x28\xb5\x2f\xfd"):
        return cast(IO[bytes], zstandard.ZstdDecompressor().stream_reader(whole, read_across_frames=True))
    return None if start.startswith((b"{", b"[")) else whole


class _Joined(io.RawIOBase):
    """`start`, then the rest of a file from which it was read."""

    def __init__(self, start: bytes, rest: IO[bytes]) -> None:
        self._start = start
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._start or self._rest.read(len(buffer))
        self._start = block[len(buffer) :] if self._start else b""
        count = min(len(block), len(buffer))
        buffer[:count] = block[:count]
        return count
