"""What a step asks for, before anything is solved.

Two steps with equal specs share one lock and one image. The hash is over what can change the solution and nothing else:
the same spec in another flow, on another machine, gives the same hash.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass

# Part of every spec's hash. Raise it when an equal spec would now be solved to something else.
VERSION = 1


def default_python() -> str:
    """What a step gets that names no Python: the minor version that runs the command."""
    return "{}.{}".format(*sys.version_info[:2])


@dataclass(frozen=True)
class EnvironmentSpec:
    """The libraries of one environment for one platform.

    `python` and the values of `libraries` are conda version specs as the user wrote them (`3.11`, `>=1.5,<2`, ``""``
    for any version). A bare version is exact, as Metaflow has it: `1.5.3` means `==1.5.3`; a bare Python with one or
    two numbers means that series. A package name may carry a channel of its own (`conda-forge::numpy`). `channels` are
    names or URLs in order of priority, `platform` a conda subdir (`linux-64`).
    """

    python: str
    libraries: tuple[tuple[str, str], ...]  # (package name, version spec), sorted by name
    channels: tuple[str, ...]
    platform: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "libraries", tuple(sorted(self.libraries)))

    @property
    def spec_hash(self) -> str:
        """64 hex digits, a pure function of the spec."""
        record = ["dockerflow.environment_spec", VERSION, self.python, self.libraries, self.channels, self.platform]
        return hashlib.sha256(json.dumps(record, separators=(",", ":")).encode()).hexdigest()
