"""What differs from Metaflow on purpose, each with its reason. Nothing else may differ, and what stands here must.

`EVERYWHERE` has what differs in any flow, `IN` what one flow of the bank is there to show: a difference that is named
there and no longer found fails the test, like one that is found and not named.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.differential.case import Case
from tests.differential.sides import Answers


class Nothing:
    """The answer of a side that does not know the thing asked for."""

    def __repr__(self) -> str:
        return "(nothing)"


NOTHING = Nothing()


@dataclass(frozen=True)
class Found:
    """Two answers to one question that are not the same."""

    what: str
    fact: str
    theirs: Any
    ours: Any

    def __str__(self) -> str:
        return f"{self.what} · {self.fact}\n    metaflow    {_shown(self.theirs)}\n    dockerflow  {_shown(self.ours)}"


@dataclass(frozen=True)
class Seen:
    """What a difference is judged by: the flow, and all the answers."""

    case: Case
    theirs: Answers
    ours: Answers

    def failed(self, run: str) -> bool:
        """Whether the run failed on both sides."""
        return all(answers.get((run, "successful")) is False for answers in (self.theirs, self.ours))


@dataclass(frozen=True)
class Everywhere:
    why: str
    applies: Callable[[Found, Seen], bool]


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


def _name(found: Found, _: Seen) -> bool:
    if found.fact == "artifacts" and NOTHING not in (found.theirs, found.ours):
        return bool(found.ours == [name for name in found.theirs if name != "name"])
    return found.fact == "artifact name" and found.ours is NOTHING


def _system_tags(found: Found, _: Seen) -> bool:
    def others(tags: Any) -> list[str]:
        return [tag for tag in tags if not tag.startswith(("<tool>_version:", "date:"))]

    return found.fact == "system tags" and others(found.ours) == others(found.theirs)


def _order_of_taken_over(found: Found, _: Seen) -> bool:
    lists = isinstance(found.theirs, list) and isinstance(found.ours, list)
    later = not found.what.startswith("run 1")
    return later and lists and found.fact.endswith("newest first") and sorted(found.theirs) == sorted(found.ours)


def _own_error(found: Found, _: Seen) -> bool:
    if found.fact != "exception" or found.ours in (None, NOTHING):
        return False
    missing = re.match(r"caught builtins\.AttributeError: Flow \w+ (has no|level) attribute", str(found.theirs))
    same_type = str(found.ours).split(":")[0] == str(found.theirs).split(":")[0]
    both_own = all(str(one).startswith("caught <tool>.") for one in (found.theirs, found.ours))
    return both_own or bool(missing and same_type)


def _kin(found: Found, seen: Seen) -> bool:
    """Theirs has tasks too many, of the same place in the foreaches."""
    if found.fact not in ("parents", "children") or "condition=" not in seen.case.text:
        return False
    return set(found.ours) < set(found.theirs)


def _unlucky(found: Found, seen: Seen) -> bool:
    """A task beside the one that failed, or what a step or another task says of it."""
    run, _, place = found.what.partition(" · ")
    if not seen.failed(run):
        return False
    if found.fact == "there is one":
        answers = seen.theirs if found.theirs else seen.ours
        return bool(place) and answers.get((found.what, "successful"), True) is True
    return found.fact in ("tasks", "steps", "children", "child steps") or (
        place.startswith("step ") and found.fact == "finished"
    )


def _never_raises(found: Found, _: Seen) -> bool:
    asked = ("parent steps", "child steps", "parents", "children")
    return found.fact in asked and str(found.theirs).startswith("raises ") and isinstance(found.ours, list)


EVERYWHERE = (
    Everywhere("Metaflow stores the flow's name as an artifact of every task; here `self.name` is no artifact", _name),
    Everywhere("the versions that run are our own, and the day of a run is a tag of ours", _system_tags),
    Everywhere(
        "what is wrong has an exit code of its own here; Metaflow's is 1 or 2",
        lambda found, _: found.fact == "exit code" and 0 not in (found.theirs, found.ours) and found.ours != 70,
    ),
    Everywhere(
        "a run that failed is over: here it is `finished`, in Metaflow it never is",
        lambda found, _: (found.fact, found.theirs, found.ours) == ("finished", False, True),
    ),
    Everywhere(
        "a run that resumes nothing has no origin; Metaflow shows the pathspec of a run `None`",
        lambda found, _: found.fact == "origin" and str(found.theirs).endswith("/None") and found.ours is None,
    ),
    Everywhere(
        "a task of a run that resumes nothing has no origin; Metaflow says so with the text `None`",
        lambda found, _: (found.fact, found.theirs, found.ours) == ("origin run", "None", None),
    ),
    Everywhere(
        "steps and tasks that there are not are left out here, Metaflow's client raises an error", _never_raises
    ),
    Everywhere("where one task fails, which independent ones have run is chance", _unlucky),
    Everywhere("where a flow has switches, Metaflow takes for parents whatever could have been one", _kin),
    Everywhere(
        "a resumed run takes tasks over as they follow each other; in Metaflow in no order", _order_of_taken_over
    ),
    Everywhere("what the tools themselves raise is told in each one's words", _own_error),
    Everywhere(
        "the client does not answer this yet",
        lambda found, _: found.ours == "raises AttributeError" and found.fact in ("attempts", "user tags", "origin"),
    ),
)

IN: dict[str, tuple[Here, ...]] = {
    "deletion_of_inherited": (
        Here(".*", "artifacts|artifact (has|refused)", "an inherited artifact is deleted here without a look at it"),
    ),
    "fails_foreach_generator": (
        Here(".* · start", "ended|exception|stderr", "here the step fails, in Metaflow keeping its artifacts does"),
    ),
    "fails_switch_without_case": (
        Here(".* · start", "exception", "what is wrong with a switch is an error of ours, not a RuntimeError"),
    ),
    "foreach_three_levels": (
        Here(".*", "artifact (places|here|stack)", "a join in an outer foreach still knows the item it is for"),
    ),
}
