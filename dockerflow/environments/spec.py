"""What a step asks for, before anything is solved.

Two steps with equal specs share one lock and one image. The hash is over what can change the solution and nothing else:
the same spec in another flow, on another machine, gives the same hash.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path

from dockerflow.lazy_dataclasses import dataclass

# Part of every spec's hash. Raise it when an equal spec would now be solved to something else.
VERSION = 2


def default_python() -> str:
    """What a step gets that names no Python: the minor version that runs the command."""
    return "{}.{}".format(*sys.version_info[:2])


@dataclass(frozen=True)
class EnvironmentSpec:
    """The libraries of one environment for one platform.

    `python` and the values of `libraries` are conda version specs as the user wrote them (`3.11`, `>=1.5,<2`, ``""``
    for any version). A bare version is exact, as Metaflow has it: `1.5.3` means `==1.5.3`; a bare Python with one or
    two numbers means that series; an empty one means whichever Python runs the command (see `with_python`). A package
    name may carry a channel of its own (`conda-forge::numpy`). `channels` are names or URLs in order of priority,
    `platform` a conda subdir (`linux-64`).

    `pypi` are requirements of Python packages for pip's world and `constraints` what limits their versions without
    asking for them (PEP 508, in the canonical spelling of `packaging`, sorted). `indexes` are URLs of package indexes
    in order of priority, without credentials, the word `default` at the end for the one that uv is configured for
    (`indexes` tells uv); empty: the ones that uv is configured for. `hashes` are the archives that are allowed for
    some of the packages, by sha256 (`allowed_hashes`).
    """

    python: str
    libraries: tuple[tuple[str, str], ...]  # (package name, version spec), sorted by name
    channels: tuple[str, ...]
    platform: str
    pypi: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    hashes: tuple[tuple[str, tuple[str, ...]], ...] = ()  # (package name, sha256 of each), sorted

    def __post_init__(self) -> None:
        for name in ("libraries", "pypi", "constraints"):
            object.__setattr__(self, name, tuple(sorted(getattr(self, name))))

    @property
    def with_python(self) -> EnvironmentSpec:
        """The spec with a Python: that of the command where the step names none.

        A committed lock is found by the spec as it was written, so that it serves whoever runs the flow; what is solved
        and kept elsewhere is found by this one.
        """
        return self if self.python else replace(self, python=default_python())

    @property
    def spec_hash(self) -> str:
        """64 hex digits, a pure function of the spec."""
        asked = [self.python, self.libraries, self.channels, self.platform, self.pypi, self.constraints, self.indexes]
        record = ["dockerflow.environment_spec", VERSION, *asked, *([self.hashes] if self.hashes else [])]
        return hashlib.sha256(json.dumps(record, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True)
class GivenLock:
    """A lock file that the user has already (`@conda(lock=…)`): nothing is solved."""

    file: Path  # absolute
    platform: str


@dataclass(frozen=True)
class GivenImage:
    """An image that the user has already (`@image`): nothing is locked or built. `name` as an engine takes it."""

    name: str


# What a step can ask for.
Environment = EnvironmentSpec | GivenLock | GivenImage
