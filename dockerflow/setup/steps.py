"""Set this machine up: look at everything that `doctor` looks at, and mend what is missing.

Each step finds out what is there before it does anything, so a second call changes nothing and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from dockerflow.config import Config
from dockerflow.setup import base_image, channels, engine, storage
from dockerflow.setup.finding import Finding, Notify, ignore


def set_up(config: Config, flows: Sequence[Path] = (), notify: Notify = ignore) -> list[Finding]:
    """Mend what is missing for running `flows`; what was found and done, in order.

    `notify` is told each finding when it is known, and before that what takes a while (`doing`). Raises SetupError at
    the first thing that cannot be mended and that nothing can do without: the engine, the base image, a local channel.
    The settings may have changed: load them anew.
    """
    findings = []
    for finding in _steps(config, flows, notify):
        notify(finding)
        findings.append(finding)
    return findings


def _steps(config: Config, flows: Sequence[Path], notify: Notify) -> Iterator[Finding]:
    host, found = engine.ensure(config, notify)
    yield found
    yield base_image.ensure(host.client, config.base_image, notify)
    yield from channels.ensure(config, flows, notify)
    yield storage.look_at_store(config, Path.cwd())
    yield from storage.look_at_disk(config, host)
