"""What the settings say of one Docker host: how it is reached, and what is different there.

The name `local` is the engine of this machine (setting `engine`) and cannot be given to another. What may be
said of a host is in `host_values`, how it is read and written in `host_files`, how one is reached in `engines`.
"""

from __future__ import annotations

from pathlib import Path

from dockerflow.lazy_dataclasses import dataclass

# The engine of this machine, which needs no settings.
LOCAL = "local"

# The host that `@remote` means where it names none, and Metaflow's `@batch` and `@kubernetes`.
REMOTE = "remote"


@dataclass(frozen=True)
class HostSettings:
    """`url` is `ssh://[user@]host[:port][/path/of/the/socket]`, `tcp://host:port`, `unix:///path` or `context://name`.

    With `ca`, `certificate` and `key` (paths of files in PEM) a `tcp` host is spoken to by TLS. None: as here.
    """

    name: str
    url: str
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    s3_endpoint: str | None = None  # the S3 server as containers there see it
    network: str | None = None  # of step containers there
    registry: str | None = None  # `host[:port][/prefix]` from where it takes images; None: they are sent to it
    max_workers: int | None = None  # attempts at once there
    source: str = ""  # where it was found, as `file:line`
