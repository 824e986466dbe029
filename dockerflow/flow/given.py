"""What the command line adds to a flow's file, and every reading of it must know: here and in each container.

A config decides what decorators say, and `--with` adds some: so both are part of the code that a run is made of, and
travel in its code package.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Mapping, Tuple

__all__ = ["NOTHING", "Given"]


@dataclass(frozen=True)
class Given:
    """`configs`: the text of each config by its name; `decorators`: what was said with `--with`, in order."""

    configs: Mapping[str, str] = field(default_factory=dict)
    decorators: Tuple[str, ...] = ()

    def to_json(self) -> str:
        """The same text for the same values."""
        return json.dumps({"configs": dict(self.configs), "decorators": list(self.decorators)}, sort_keys=True)

    @staticmethod
    def from_json(text: str) -> Given:
        values = json.loads(text)
        return Given(values["configs"], tuple(values["decorators"]))


NOTHING = Given()
