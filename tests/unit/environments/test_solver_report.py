"""A solver's report in words for people. The reports are those of py-rattler; `tests/integration` has them live."""

from __future__ import annotations

from dockerflow.environments.solver_report import MOST_LINES, missing, readable


def instead(spec: str) -> str:
    return f"but not {spec}"


def report(text: str) -> str:
    return "Cannot solve the request because of: " + text


CHAIN = report(
    """pandas ==1.5.3 cannot be installed because there are no viable options:
└─ pandas 1.5.3 would require
   └─ numpy >=1.20,<2, for which no candidates were found.
"""
)

TWO_BUILDS = report(
    """pandas ==2.2.2 cannot be installed because there are no viable options:
└─ pandas 2.2.2 would require
   └─ numpy >=1.26, which cannot be installed because there are no viable options:
      ├─ numpy 1.26.4 would require
      │  └─ python 3.10.*, for which no candidates were found.
      └─ numpy 2.1.0 would require
         └─ python 3.11.*, for which no candidates were found.
"""
)

TWO_REQUIREMENTS = report(
    """The following packages are incompatible
├─ new * can be installed with any of the following options:
│  └─ new 1.0 would require
│     └─ numpy >=2, which can be installed with any of the following options:
│        └─ numpy 2.1.0
└─ old * cannot be installed because there are no viable options:
   └─ old 1.0 would require
      └─ numpy <2, which cannot be installed because there are no viable options:
         ├─ numpy 1.26.4, which conflicts with the versions reported above.
         └─ numpy 1.26.4 would require
            └─ python 3.10.*, for which no candidates were found.
"""
)


def test_a_chain_of_needs_is_one_line() -> None:
    assert readable(CHAIN, instead) == ["pandas 1.5.3 needs numpy >=1.20,<2, but not numpy >=1.20,<2"]


def test_alternatives_are_lines_below_what_they_could_give() -> None:
    assert readable(TWO_BUILDS, instead) == [
        "pandas 2.2.2 needs numpy >=1.26:",
        "  numpy 1.26.4 needs python 3.10.*, but not python 3.10.*",
        "  numpy 2.1.0 needs python 3.11.*, but not python 3.11.*",
    ]


def test_requirements_that_collide_are_put_side_by_side() -> None:
    assert readable(TWO_REQUIREMENTS, instead) == ["new 1.0 needs numpy >=2", "old 1.0 needs numpy <2"]


def test_the_ends_of_branches_are_found() -> None:
    assert missing(TWO_BUILDS) == {"python 3.10.*", "python 3.11.*"}
    assert missing(report("No candidates were found for pandas ==2.2.9.\n")) == {"pandas ==2.2.9"}


def test_a_requirement_with_nothing_for_it_is_said_plainly() -> None:
    assert readable(report("No candidates were found for pandas *.\n"), instead) == ["pandas, but not pandas *"]


def test_lines_of_an_unknown_form_are_kept() -> None:
    unknown = report("something new happened\n└─ numpy 1.0 is excluded because of moonlight\n")
    assert readable(unknown, instead) == ["something new happened numpy 1.0 is excluded because of moonlight"]


def test_a_long_report_is_cut_and_says_so() -> None:
    lines = [f"├─ package{number} is odd" for number in range(MOST_LINES + 5)]
    told = readable(report("The following packages are incompatible\n" + "\n".join(lines)), instead)
    assert len(told) == MOST_LINES + 1
    assert told[-1] == "… and 5 more lines like these"
