"""Where the store is, and how much room there is for images, layers and artifacts."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from dockerflow.buckets.errors import NoBucket
from dockerflow.buckets.opening import open_bucket
from dockerflow.config import Config
from dockerflow.engines.docker import DockerHost
from dockerflow.errors import DockerflowError
from dockerflow.setup.finding import Finding
from dockerflow.store.directory import NAME, find
from dockerflow.store.names import is_in_bucket

# A step image of a usual size (Python, pandas, scikit-learn) is half of it, once as layers and once on the engine.
ENOUGH = 2 * 2**30

_OTHER_STORE = "start in another folder, or name another store with DOCKERFLOW_STORE"
_OTHER_CACHE = "name another folder with DOCKERFLOW_CACHE_DIR or the setting `cache_dir`"


def look_at_store(config: Config, start: Path) -> Finding:
    """Where the store of a run started in `start` is or will be."""
    if config.store is not None:
        text = f"{config.store} ({config.source('store')})"
        return _bucket(config, text) if is_in_bucket(config.store) else _store(Path(config.store), text)
    try:
        found = find(start)
    except OSError as error:
        return Finding("store", "broken", f"cannot be looked for: {error.strerror}: `{error.filename}`", _OTHER_STORE)
    if found is not None:
        return _store(found, str(found))
    return _store(start / NAME, f"none yet: the first run will make {start / NAME}")


def _bucket(config: Config, text: str) -> Finding:
    """As a run would open it, but a bucket that is not there is not made."""
    try:
        open_bucket(str(config.store), config)
    except NoBucket as error:
        return Finding("store", "ok", f"none yet: {error.message}; the first run will make it")
    except DockerflowError as error:
        return Finding("store", "broken", error.message, error.hint)
    return Finding("store", "ok", text if config.s3_endpoint is None else f"{text} on {config.s3_endpoint}")


def _store(root: Path, text: str) -> Finding:
    refused = why_not_writable(root)
    if refused is None:
        return Finding("store", "ok", text)
    return Finding("store", "broken", f"{root} cannot be written: {refused}", _OTHER_STORE)


def look_at_disk(config: Config, host: DockerHost | None) -> Iterator[Finding]:
    """The free space where layers are kept and, if it is on this machine, where the engine keeps images."""
    refused = why_not_writable(config.cache_dir)
    if refused is None:
        yield _room("the cache", config.cache_dir, "remove what is no longer used from it")
    else:
        yield Finding("cache", "broken", f"{config.cache_dir} cannot be written: {refused}", _OTHER_CACHE)
    root = Path(host.client.info().get("DockerRootDir", "")) if host is not None else Path()
    with suppress(PermissionError):  # the engine's folder is none of ours: nothing is said of one that is hidden
        if root.is_absolute() and root.is_dir():
            yield _room("the engine", root, "remove unused images with `docker image prune`")


def why_not_writable(folder: Path) -> str | None:
    """Why nothing can be written to `folder`, or why it cannot be made; None if it can. Leaves nothing behind."""
    try:
        with tempfile.TemporaryFile(dir=_nearest(folder)):
            return None
    except OSError as error:
        return error.strerror or str(error)


def _nearest(folder: Path) -> Path:
    """The folder itself, or the lowest one above it that is there."""
    return next(place for place in [folder, *folder.parents] if place.exists())


def _room(whose: str, folder: Path, hint: str) -> Finding:
    free = shutil.disk_usage(_nearest(folder)).free
    text = f"{free / 2**30:.1f} GiB free for {whose} in {folder}"
    return Finding("disk", "ok", text) if free >= ENOUGH else Finding("disk", "broken", text, hint)
