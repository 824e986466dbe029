"""What differs from Metaflow on purpose, each with its reason. Nothing else may differ, and what stands here must.

`EVERYWHERE` has what differs in any flow, `IN` what one flow of the bank is there to show: a difference that is named
there and no longer found fails the test, like one that is found and not named.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Found:
    """Two answers to one question that are not the same."""

    what: str
    fact: str
    theirs: Any
    ours: Any

    def __str__(self) -> str:
        return f"{self.what} · {self.fact}\n    metaflow    {_shown(self.theirs)}\n    dockerflow  {_shown(self.ours)}"


class Nothing:
    """The answer of a side that does not know the thing asked for."""

    def __repr__(self) -> str:
        return "(nothing)"


NOTHING = Nothing()


@dataclass(frozen=True)
class Everywhere:
    why: str
    applies: Callable[[Found], bool]


@dataclass(frozen=True)
class Here:
    """In one flow: regular expressions of what differs."""

    what: str
    fact: str
    why: str

    def applies(self, found: Found) -> bool:
        return bool(re.fullmatch(self.what, found.what) and re.fullmatch(self.fact, found.fact))


def _shown(answer: Any, limit: int = 2000) -> str:
    text = repr(answer)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def _name(found: Found) -> bool:
    if found.fact == "artifacts":
        return found.theirs != NOTHING and found.ours == [name for name in found.theirs if name != "name"]
    return found.fact == "artifact name" and found.ours is NOTHING


def _system_tags(found: Found) -> bool:
    own = ("<tool>_version:", "python_version:", "runtime:")
    return found.fact == "system tags" and found.ours == [tag for tag in found.theirs if not tag.startswith(own)]


def _own_error(found: Found) -> bool:
    if found.fact != "exception" or found.ours in (None, NOTHING):
        return False
    missing = re.match(r"caught builtins\.AttributeError: Flow \w+ has no attribute", str(found.theirs))
    same_type = str(found.ours).split(":")[0] == str(found.theirs).split(":")[0]
    both_own = all(str(one).startswith("caught <tool>.") for one in (found.theirs, found.ours))
    return both_own or bool(missing and same_type)


EVERYWHERE = (
    Everywhere("Metaflow stores the flow's name as an artifact of every task; here `self.name` is no artifact", _name),
    Everywhere("versions are recorded with a run's environments here, they are no tags", _system_tags),
    Everywhere(
        "a run that failed is over: here it is `finished`, in Metaflow it never is",
        lambda found: (found.fact, found.theirs, found.ours) == ("finished", False, True),
    ),
    Everywhere(
        "a run that resumes nothing has no origin; Metaflow shows the pathspec of a run `None`",
        lambda found: found.fact == "origin" and str(found.theirs).endswith("/None") and found.ours is None,
    ),
    Everywhere(
        "steps that have not begun are left out here, Metaflow's client raises an error",
        lambda found: found.fact == "child steps" and found.theirs == "raises MetaflowNotFound",
    ),
    Everywhere(
        "a task of a run that resumes nothing has no origin; Metaflow says so with the text `None`",
        lambda found: (found.fact, found.theirs, found.ours) == ("origin run", "None", None),
    ),
    Everywhere("what the tools themselves raise is told in each one's words", _own_error),
    Everywhere(
        "the client does not answer this yet",
        lambda found: found.ours == "raises AttributeError" and found.fact in ("attempts", "user tags", "origin"),
    ),
)

IN: dict[str, tuple[Here, ...]] = {}
