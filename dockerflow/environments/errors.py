"""What may go wrong between a step's libraries and their lock.

EnvironmentsError
├── InvalidSpec         a name, a version or a channel that is not one
├── Unsatisfiable       the channels and indexes have no set of packages that gives what was asked for
├── ChannelError        a channel that does not answer, or is none
├── PackageIndexError   a package index that does not answer, or wants credentials
└── LockFileError       a lock file that cannot be read, or not be used
"""

from __future__ import annotations

from collections.abc import Sequence

from dockerflow.errors import DockerflowError

__all__ = [
    "ChannelError",
    "EnvironmentsError",
    "InvalidSpec",
    "LockFileError",
    "PackageIndexError",
    "Unsatisfiable",
    "of_steps",
]


class EnvironmentsError(DockerflowError):
    """A spec, a lock or a channel that no environment can be made from."""

    exit_code = 4


class InvalidSpec(EnvironmentsError):
    pass


class Unsatisfiable(EnvironmentsError):
    pass


class ChannelError(EnvironmentsError):
    pass


class PackageIndexError(EnvironmentsError):
    pass


class LockFileError(EnvironmentsError):
    pass


def of_steps(steps: Sequence[str]) -> str:
    """The steps as one subject of a message: ``step `train` ``, ``the environment of steps `a` and `b` ``."""
    names = [f"`{step}`" for step in steps]
    if not names:
        return "the environment"
    if len(names) == 1:
        return f"step {names[0]}"
    return f"the environment of steps {', '.join(names[:-1])} and {names[-1]}"
