"""What one source asks for: a decorator, or a file that users have already. Values only.

The sources are put together in `request`. Every word keeps the place it was read at, for messages.
"""

from __future__ import annotations

from dockerflow.lazy_dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """Something that was written, and where (`environment.yml:7`)."""

    text: str
    place: str


@dataclass(frozen=True)
class Asked:
    """`libraries` and `pythons` in the words of `requirements`, `pypi` and `constraints` in those of `pep508`.

    `channels` are in order of priority, None among them stands for the configured ones. `indexes` is None where the
    source says nothing of them.
    """

    libraries: tuple[tuple[str, Word], ...] = ()  # by package, which may name its channel
    pythons: tuple[Word, ...] = ()
    channels: tuple[Word | None, ...] = ()
    pypi: tuple[Word, ...] = ()
    constraints: tuple[Word, ...] = ()
    indexes: tuple[str, ...] | None = None
    hashes: tuple[tuple[str, str], ...] = ()  # (package name, a sha256 that is allowed)
