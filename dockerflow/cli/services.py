"""`up` and `down`: what was found and done about the object server, a line each."""

from __future__ import annotations

from pathlib import Path

from dockerflow.cli.machine import tell
from dockerflow.cli.places import config_here
from dockerflow.setup import services


def up(port: int | None, for_user: bool) -> int:
    """Raises SetupError for what keeps the server from running."""
    services.up(config_here(), services.Wanted(services.settings_file(Path.cwd(), for_user), port), tell)
    return 0


def down(volumes: bool) -> int:
    for finding in services.down(config_here(), Path.cwd(), volumes):
        tell(finding)
    return 0
