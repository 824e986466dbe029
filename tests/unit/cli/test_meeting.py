"""Where ways come together, held against the definition: without that step there is no way to an end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from dockerflow.cli.meeting import nearest_passed
from dockerflow.flow.definition import Step

Ways = Mapping[str, Iterable[str]]


def steps(ways: Ways) -> Mapping[str, Step]:
    return {name: Step(name, "/f/flow.py", 1, "", tuple(following)) for name, following in ways.items()}


def reaches_an_end(ways: Ways, first: str, without: str | None = None) -> bool:
    waiting, seen = [first], {without}
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += ways[name]
            if not ways[name]:
                return True
    return False


def passed(ways: Ways, first: str) -> list[str]:
    """All others that every way from `first` to an end passes."""
    return [name for name in ways if name != first and not reaches_an_end(ways, first, name)]


NAMES = [f"s{number}" for number in range(7)]


@settings(deadline=None)
@given(st.fixed_dictionaries({name: st.lists(st.sampled_from(NAMES), max_size=3, unique=True) for name in NAMES}))
def test_it_is_the_first_of_those_that_every_way_to_an_end_passes(ways: Ways) -> None:
    """In any graph, also with circles and several ends. Of a step that leads to no end nothing is said."""
    nearest = nearest_passed(steps(ways))
    for name in ways:
        others = passed(ways, name) if reaches_an_end(ways, name) else []
        first = [each for each in others if set(passed(ways, each)) == {*others} - {each}]
        assert [nearest[name]] == first if name in nearest else not others


def test_a_step_that_nobody_knows_is_no_way_on() -> None:
    assert nearest_passed(steps({"start": ["a", "typo"], "a": ["end"], "end": []})) == {"start": "a", "a": "end"}


def test_a_line_of_thousands_of_steps_is_no_matter() -> None:
    names = [f"s{number}" for number in range(20_000)]
    ways = {name: [after] for name, after in pairwise(names)} | {names[-1]: []}
    assert len(nearest_passed(steps(ways))) == 19_999
