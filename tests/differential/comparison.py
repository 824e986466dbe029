"""Compare what two sides answered about a case."""

from __future__ import annotations

from dataclasses import dataclass

from tests.differential import sides
from tests.differential.case import Case
from tests.differential.differences import EVERYWHERE, IN, NOTHING, Found, Here
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


def compared(case: Case, engine: str = "process") -> Comparison:
    """Run a case on both sides."""
    theirs, ours = sides.on_metaflow(case), sides.on_dockerflow(case, engine)
    on_purpose = IN.get(case.name, ())
    found = [one for one in differing(theirs.answers, ours.answers) if not _everywhere(one)]
    missed = tuple(here for here in on_purpose if not any(here.applies(one) for one in found))
    left = tuple(one for one in found if not any(here.applies(one) for here in on_purpose))
    return Comparison(case, theirs, ours, left, missed)


def differing(theirs: Answers, ours: Answers) -> list[Found]:
    """A run that one side alone has is one difference, not as many as it has facts."""
    run_ids = sorted({what.split(" · ")[0] for what, _ in {**theirs, **ours}})
    alone = [name for name in run_ids if any(not _of(name, answers) for answers in (theirs, ours))]
    found = [Found(name, "there is one", bool(_of(name, theirs)), bool(_of(name, ours))) for name in alone]
    keys = [key for key in {**theirs, **ours} if key[0].split(" · ")[0] not in alone]
    pairs = ((key, theirs.get(key, NOTHING), ours.get(key, NOTHING)) for key in keys)
    return [*found, *(Found(*key, one, other) for key, one, other in pairs if one != other)]


def _of(run: str, answers: Answers) -> bool:
    return any(what.split(" · ")[0] == run for what, _ in answers)


def _everywhere(found: Found) -> bool:
    return any(one.applies(found) for one in EVERYWHERE)


def _end(outcome: Outcome, limit: int = 6000) -> str:
    return outcome.said[-limit:]
