"""Where the store is, and how much room there is for images, layers and artifacts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from dockerflow.config import Config
from dockerflow.engines.docker import DockerHost
from dockerflow.setup.finding import Finding
from dockerflow.store.directory import NAME, find

# A step image of a usual size (Python, pandas, scikit-learn) is half of it, once as layers and once on the engine.
ENOUGH = 2 * 2**30


def look_at_store(config: Config, start: Path) -> Finding:
    """Where the store of a run started in `start` is or will be."""
    if config.store is not None:
        return Finding("store", "ok", f"{config.store} ({config.source('store')})")
    found = find(start)
    if found is not None:
        return Finding("store", "ok", str(found))
    return Finding("store", "ok", f"none yet: the first run will make {start / NAME}")


def look_at_disk(config: Config, host: DockerHost | None) -> Iterator[Finding]:
    """The free space where layers are kept and, if it is on this machine, where the engine keeps images."""
    yield _room("the cache", config.cache_dir, "remove what is no longer used from it")
    root = Path(host.client.info().get("DockerRootDir", "")) if host is not None else Path()
    if root.is_absolute() and root.is_dir():
        yield _room("the engine", root, "remove unused images with `docker image prune`")


def _room(whose: str, folder: Path, hint: str) -> Finding:
    there = next(place for place in [folder, *folder.parents] if place.exists())
    free = shutil.disk_usage(there).free
    text = f"{free / 2**30:.1f} GiB free for {whose} in {folder}"
    return Finding("disk", "ok", text) if free >= ENOUGH else Finding("disk", "broken", text, hint)
