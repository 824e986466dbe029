"""What keeps the house from being kept.

HousekeepingError
├── Busy          another process is at it
├── Unknowable    what a run refers to cannot be known, so nothing that it may need is deleted
├── TooSoon       what was asked for could take away what a run needs now
└── BundleError   a bundle cannot be written, or is not one, or not as it was written
"""

from __future__ import annotations

from dockerflow.errors import DockerflowError

__all__ = ["BundleError", "Busy", "HousekeepingError", "TooSoon", "Unknowable"]


class HousekeepingError(DockerflowError):
    """Nothing more is done."""

    exit_code = 7


class Busy(HousekeepingError):
    pass


class Unknowable(HousekeepingError):
    pass


class TooSoon(HousekeepingError):
    pass


class BundleError(HousekeepingError):
    """The message names the file."""
