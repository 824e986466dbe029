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

STREAMS = ("stdout", "stderr")

# Where a tool's report of a failure begins, in either stream; what the step itself wrote stands before it.
REPORT = re.compile(
    r"^(<flow .*> failed:|@catch|Traceback \(most recent call last\):|Task failed\.| +Cannot pickle artifact"
    r"|error: (?:the process|step) |[-\d]{10} [.:\d]+ Step \w+ timed out after)",
    re.MULTILINE,
)


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


def users_lines(text: str) -> str:
    """What a task printed without what a tool did."""
    return REPORT.split(text, maxsplit=1)[0]


def _own_error(found: Found, _: Seen) -> bool:
    if not re.match("exception$|artifact ", found.fact) or found.ours in (None, NOTHING):
        return False
    if "FailureHandledByCatch" in str(found.theirs):
        return str(found.ours).startswith("caught ")
    missing = re.match(r"caught builtins\.AttributeError: Flow (\w+ has no|level) attribute", str(found.theirs))
    same_type = str(found.ours).split(":")[0] == str(found.theirs).split(":")[0]
    both_own = all(str(one).startswith("caught <tool>.") for one in (found.theirs, found.ours))
    return both_own or bool(missing and same_type)


def _without_exception(found: Found, _: Seen) -> bool:
    if found.fact == "ended":
        return (found.theirs, found.ours) == (False, True)
    own = r"caught (builtins\.SystemExit|<tool>\.artifacts\.errors\.\w+|): "
    return found.fact == "exception" and found.theirs is None and bool(re.match(own, str(found.ours)))


def _beside_unpicklable(found: Found, seen: Seen) -> bool:
    failed = re.match(r"caught <tool>\.artifacts\.errors\.", str(seen.ours.get((found.what, "exception"))))
    if not failed or found.ours is NOTHING:
        return False
    if found.fact == "artifacts":
        return set(found.theirs) < set(found.ours)
    return found.fact.startswith("artifact ") and found.theirs is NOTHING


def _main(found: Found, seen: Seen) -> bool:
    return str(found.theirs).replace("__main__.", f"{seen.case.name}.") == found.ours


def _address(found: Found, _: Seen) -> bool:
    return re.sub(r"'172(\.\d+){3}'", "'127.0.0.1'", str(found.ours)) == found.theirs


def _kin(found: Found, seen: Seen) -> bool:
    """Theirs has tasks too many, of the same place in the foreaches; in a loop even the task itself."""
    if found.fact not in ("parents", "children") or "condition=" not in seen.case.text:
        return False
    return set(found.ours) < set(found.theirs) or found.what.rpartition(" · ")[2] in found.theirs


def _unlucky(found: Found, seen: Seen) -> bool:
    """A task beside the one that failed, or what a step or another task says of it."""
    run, _, place = found.what.partition(" · ")
    if not seen.failed(run):
        return False
    if found.fact == "there is one":
        answers = seen.theirs if found.theirs else seen.ours
        return bool(place) and answers.get((found.what, "exception")) is None
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
    Everywhere("what the tools themselves raise is told in each one's words", _own_error),
    Everywhere(
        "each uncaught exception is told in the task's stderr, ours too",
        lambda found, _: found.fact == "stderr tells of the exception" and found.ours is True,
    ),
    Everywhere("the tasks of a gang meet at the address of a container, in Metaflow on this machine", _address),
    Everywhere(
        "what has not ended well is not `finished`; Metaflow says None where the last step left by `sys.exit`",
        lambda found, _: found.fact == "finished" and found.theirs is None and found.ours is False,
    ),
    Everywhere("how a process ended is known here also where no exception ended it", _without_exception),
    Everywhere(
        "what can be kept of a task that fails since one of its artifacts cannot be pickled is", _beside_unpicklable
    ),
    Everywhere("classes of a flow's file are those of a module here, of `__main__` in Metaflow", _main),
    Everywhere(
        "a last line without an end is shown as it was printed",
        lambda found, _: found.fact in STREAMS and found.theirs == f"{found.ours}\n",
    ),
    Everywhere(
        "what cannot be made of an artifact's bytes has an error of ours",
        lambda found, _: str(found.theirs).startswith("raises ") and found.ours == "raises CannotDecode",
    ),
)

IN: dict[str, tuple[Here, ...]] = {
    "exit_caught": (
        Here(
            ".*",
            "(current )?attempts?|artifacts|artifact (left|kept)",
            "`sys.exit` is caught in its attempt here, and what was set before it is kept",
        ),
    ),
    "deletion_of_inherited": (
        Here(".*", "artifacts|artifact (has|refused)", "an inherited artifact is deleted here without a look at it"),
    ),
    "fails_foreach_generator": (
        Here(".* · start", "exception", "here the step fails, in Metaflow keeping its artifacts does"),
    ),
    "fails_switch_without_case": (
        Here(".* · start", "exception", "what is wrong with a switch is an error of ours, not a RuntimeError"),
    ),
    "foreach_dict": (
        Here(".*", ".*", "a foreach goes over anything that can be gone over; Metaflow asks a dict for its item 0"),
    ),
    "foreach_input_changed": (
        Here(
            ".*", "artifact (seen|later|items)", "`self.input` is the foreach's item, whatever a task made of its own"
        ),
    ),
    "foreach_three_levels": (
        Here(".*", "artifact (places|here|stack)", "a join in an outer foreach still knows the item it is for"),
    ),
    "resume_succeeded": (Here("run 3", "there is one", "there is no run that would resume a run which is not there"),),
    "resume_foreach": (
        Here(
            "run 2 .*", "parents|children", "Metaflow's client finds no kin of what was taken over in nested foreaches"
        ),
    ),
}
