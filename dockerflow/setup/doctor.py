"""Look at this machine and say what a run would find: engine, base image, channels, store, disk. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dockerflow.config import Config
from dockerflow.setup import base_image, channels, engine, storage
from dockerflow.setup.finding import Finding


def diagnose(config: Config, start: Path | None = None) -> Iterator[Finding]:
    """Every finding, as soon as it is known. `start` is where a run would be started: the working directory.

    Raises nothing: what is wrong is a finding.
    """
    host, found = engine.look(config)
    yield found
    if host is not None:
        yield base_image.look(host.client, config.base_image)
    yield from channels.look(config)
    yield storage.look_at_store(config, Path.cwd() if start is None else start)
    yield from storage.look_at_disk(config, host)
