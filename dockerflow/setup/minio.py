"""The object server MinIO: which version, and where its program is.

It has been published as source only since 2025, and its release tags are none of a Go module: the version is the one
that Go gives to the last commit.
"""

from __future__ import annotations

from pathlib import Path

from dockerflow.setup import go_programs
from dockerflow.setup.finding import Notify, ignore

VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c"
PACKAGE = "github.com/minio/minio"


def program(kept: Path, architecture: str = "", notify: Notify = ignore) -> Path:
    """MinIO's program below `kept`, built now if it is not there. Raises ProgramNotBuilt."""
    wanted = go_programs.GoProgram(PACKAGE, VERSION, architecture=architecture)
    return go_programs.program(wanted, kept, notify)
