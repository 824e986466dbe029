"""Compare what two sides answered about a case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.differential import sides
from tests.differential.case import Case
from tests.differential.differences import EVERYWHERE, IN, NOTHING, STREAMS, Found, Here, Seen, users_lines
from tests.differential.sides import Answers, Outcome


@dataclass(frozen=True)
class Comparison:
    """How a case went on both sides. `found` differs and should not, `missed` should differ and does not."""

    case: Case
    theirs: Outcome
    ours: Outcome
    found: tuple[Found, ...]
    missed: tuple[Here, ...]

    @property
    def same(self) -> bool:
        return not self.found and not self.missed

    def __str__(self) -> str:
        """What to read when they are not the same: the differences, the flow, and what the commands printed."""
        lines = [f"{self.case.name}: {len(self.found)} answers differ", *map(str, self.found)]
        lines += [f"no longer differs: {one.what} · {one.fact} ({one.why})" for one in self.missed]
        said = ["-- metaflow", _end(self.theirs), "-- dockerflow", _end(self.ours)]
        return "\n".join([*lines, "", self.case.text, *said])


def compared(case: Case, engine: str = "process", store: Mapping[str, str] | None = None) -> Comparison:
    """Run a case on both sides; here with the store that these variables name."""
    theirs, ours = sides.on_metaflow(case), sides.on_dockerflow(case, engine, store)
    on_purpose = IN.get(case.name, ())
    found = [
        one
        for one in differing(theirs.answers, ours.answers)
        if not _everywhere(one, Seen(case, theirs.answers, ours.answers))
    ]
    missed = tuple(here for here in on_purpose if not any(here.applies(one) for one in found))
    left = tuple(one for one in found if not any(here.applies(one) for here in on_purpose))
    return Comparison(case, theirs, ours, left, missed)


def differing(theirs: Answers, ours: Answers) -> list[Found]:
    """What one side alone has, a run, a step or a task, is one difference, not as many as it has facts."""
    things = dict.fromkeys(what for what, _ in {**theirs, **ours})
    known = [{what for what, _ in answers} for answers in (theirs, ours)]
    alone = [what for what in things if not all(what in those for those in known)]
    found = [Found(what, "there is one", *(what in those for those in known)) for what in alone]
    pairs = ((key, _shown(key, theirs), _shown(key, ours)) for key in {**theirs, **ours})
    found += [Found(*key, one, other) for key, one, other in pairs if one != other and key[0] not in alone]
    return [one for one in found if not any(one.what.startswith(f"{what} · ") for what in alone)]


def _shown(key: tuple[str, str], answers: Answers) -> Any:
    answer = answers.get(key, NOTHING)
    return users_lines(answer) if key[1] in STREAMS and isinstance(answer, str) else answer


def _everywhere(found: Found, seen: Seen) -> bool:
    return any(one.applies(found, seen) for one in EVERYWHERE)


def _end(outcome: Outcome, limit: int = 6000) -> str:
    return outcome.said[-limit:]
