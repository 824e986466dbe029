"""The image below every step's: found on the engine, pulled if it is not there.

A step image is named by the base's layers and its PATH, not by what an engine calls the base, so that it is the same on
engines with different image stores. The record names the base by its config's digest, which is the same on all of them,
too. The layers themselves are read from the engine once (`docker save`) and kept in the layer cache: their sizes are
part of the manifest, and an engine without the base must be sent them.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import IO, Any, cast

import docker.errors
import requests
import zstandard
from docker import DockerClient

from dockerflow.images.engine import engine_failure, explaining_engine, inspect, named_by_manifest, pull, stream
from dockerflow.images.errors import BaseImageError, explaining_full_disk
from dockerflow.images.files import CHUNK, chunks, new_file, read_json, write_json
from dockerflow.images.image import Layer
from dockerflow.images.layer_cache import LayerCache, is_complete, layer_key
from dockerflow.images.pinned import candidates
from dockerflow.images.streams import IteratorStream
from dockerflow.images.tar import Hashed
from dockerflow.lazy_dataclasses import dataclass

DEFAULT_BASE = "debian:bookworm-slim"
TITLE = "base"

# What is larger among the files of a saved image is a layer. A config has a few KiB.
_LARGEST_CONFIG = 4 << 20

_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SETUP = "run `dockerflow setup`, which gets or makes one, or name another with the setting `base_image`"


@dataclass(frozen=True)
class BaseImage:
    """A base image on an engine. `digest` is that of its config, whatever the engine calls it (`engine_id`); `diff_ids`
    are its layers, bottom first.
    """

    name: str
    digest: str
    diff_ids: tuple[str, ...]
    architecture: str
    path: str  # the PATH of its containers
    cache: LayerCache
    client: DockerClient = field(repr=False, compare=False)
    engine_id: str = field(default="", compare=False)

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
        self._read()

    def _read(self) -> str:
        """Read what the engine saves: the layers into the cache; the digest of the config, or nothing."""
        missing, config = set(self.diff_ids), ""
        with explaining_engine(f"reading the base image `{self.name}`", BaseImageError):
            blocks = stream(self.client, "GET", f"/images/{self.engine_id or self.digest}/get").iter_content(CHUNK)
            with tarfile.open(fileobj=cast(IO[bytes], IteratorStream(blocks)), mode="r|", bufsize=CHUNK) as saved:
                for member in saved:
                    if not member.isreg():
                        continue
                    file = cast(IO[bytes], saved.extractfile(member))
                    if member.size <= _LARGEST_CONFIG:
                        data = file.read()
                        config = config or self._config_digest(data)
                        file = io.BytesIO(data)
                    if missing:
                        missing.discard(self._keep(file, missing))
        if missing:
            raise BaseImageError(
                f"the engine's copy of the base image `{self.name}` lacks its layer {min(missing)}",
                hint=f"remove it with `docker image rm {self.name}`, then {_SETUP}",
            )
        return config

    def _config_digest(self, data: bytes) -> str:
        """The digest of `data` if it is this image's config; nothing otherwise."""
        try:
            diff_ids = json.loads(data)["rootfs"]["diff_ids"]
        except (ValueError, KeyError, TypeError):
            return ""
        return f"sha256:{hashlib.sha256(data).hexdigest()}" if tuple(diff_ids) == self.diff_ids else ""

    def with_config_digest(self) -> BaseImage:
        """The same with its config's digest, which the engine does not tell: asked of what it saves, once."""
        path = self.cache.folder / "keys" / f"{layer_key('dockerflow.base_config', 1, self.engine_id)}.json"
        digest = read_json(path, lambda found: str(found["config"]))
        if not digest:
            digest = self._read()
            write_json(path, {"config": digest})
        return replace(self, digest=digest or self.engine_id)

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
    """The base called `name`, pulled if the engine lacks it. Raises `BaseImageError`.

    A name may end in a digest, `name@sha256:…`: that of a registry's manifest, or of the config of an image that is on
    the engine under the name.
    """
    with explaining_engine(f"looking for the base image `{name}`", BaseImageError):
        found = inspect(client, name)
        base = base_of(client, name, found, cache_dir) if found else _pinned(client, name, cache_dir)
    return base or base_of(client, name, _pulled(client, name), cache_dir)


def base_of(client: DockerClient, name: str, found: Mapping[str, Any], cache_dir: Path) -> BaseImage:
    """The base that an engine has said this of."""
    base = BaseImage(
        name=name,
        digest=found["Id"],
        diff_ids=tuple(found["RootFS"]["Layers"]),
        architecture=found["Architecture"],
        path=_path(found),
        cache=LayerCache(cache_dir),
        client=client,
        engine_id=found["Id"],
    )
    return base.with_config_digest() if named_by_manifest(found) else base


def _pinned(client: DockerClient, name: str, cache_dir: Path) -> BaseImage | None:
    """The image on the engine that the pinned name means. It may have been in no registry."""
    digest = name.partition("@")[2]
    bases = (base_of(client, name, found, cache_dir) for found in candidates(client, name))
    return next((base for base in bases if digest in (base.digest, base.engine_id)), None)


def _pulled(client: DockerClient, name: str) -> Mapping[str, Any]:
    try:
        return pull(client, name)
    except (docker.errors.DockerException, requests.RequestException) as error:
        reason = str(getattr(error, "explanation", None) or error).strip().rstrip(".")
        if "no space left" in reason:
            raise engine_failure(f"pulling the base image `{name}`", reason, BaseImageError) from error
        raise BaseImageError(
            f"the base image `{name}` is not on the engine and cannot be pulled: {reason}",
            hint=_SETUP if "@" not in name else f"check the digest; {_SETUP}",
        ) from error


def _path(found: Mapping[str, Any]) -> str:
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
