"""What the command line adds to a flow's file, and every reading of it must know: here and in each container.

A config decides what decorators say, and `--with` adds some: so both are part of the code that a run is made of, and
travel in its code package.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import json
from dataclasses import field
from typing import Any, Mapping, Tuple

from dockerflow.lazy_dataclasses import dataclass

__all__ = ["NOTHING", "Given"]


@dataclass(frozen=True)
class Given:
    """`configs`: the text of each config by its name; `decorators`: what was said with `--with`, in order.

    `values` are those of the configs, as JSON has them: once a flow has been loaded all of them are known, and no
    other reading of its file looks for a config's file or default, or calls its parser.
    """

    configs: Mapping[str, str] = field(default_factory=dict)
    decorators: Tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """The same text for the same values."""
        every = {"configs": dict(self.configs), "decorators": list(self.decorators), "values": dict(self.values)}
        return json.dumps(every, sort_keys=True)

    @staticmethod
    def from_json(text: str) -> Given:
        every = json.loads(text)
        return Given(every["configs"], tuple(every["decorators"]), every.get("values", {}))


NOTHING = Given()
