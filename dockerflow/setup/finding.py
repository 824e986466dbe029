"""What was found about one subject, as `doctor` and `setup` say it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from dockerflow.lazy_dataclasses import dataclass

State = Literal["ok", "made", "missing", "broken", "doing"]


@dataclass(frozen=True)
class Finding:
    """One line about one subject, as `engine`, `base image`, `channel`, `store` or `disk`.

    `ok`: it was there. `made`: it is there now. `missing` and `broken`: a run cannot do without it; `hint` says what to
    try. `doing`: something that takes a while has begun; told on the way, never a result.
    """

    subject: str
    state: State
    text: str
    hint: str | None = None

    @property
    def good(self) -> bool:
        return self.state in ("ok", "made")


Notify = Callable[[Finding], None]


def ignore(finding: Finding) -> None:
    """A `notify` for callers that do not watch."""
