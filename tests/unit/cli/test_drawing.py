"""Flows drawn as trees, compared line by line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dockerflow.cli.drawing import coloured, draw, plain
from dockerflow.flow.definition import (
    AskedProject,
    Card,
    Catch,
    Conda,
    ConfigDefinition,
    Environment,
    Flow,
    Image,
    Local,
    ParameterDefinition,
    Pypi,
    Remote,
    Resources,
    Retry,
    Secrets,
    SecretSource,
    Step,
    StepDecorator,
    Timeout,
)

PYTHON = Conda(python="3.11")


def step(
    name: str, *following: str, foreach: str | None = None, join: bool = False, doc: str = "", conda: Conda = PYTHON
) -> Step:
    return Step(name, "/f/flow.py", 1, doc, following, foreach=foreach, join=join, decorators=(conda,))


def drawn(*steps: Step, width: int = 80) -> list[str]:
    """The steps' part of the picture."""
    flow = Flow("F", "/f/flow.py", 1, "", {each.name: each for each in steps})
    return [plain(line) for line in draw(flow, width)][2:]


def names(*steps: Step) -> list[str]:
    """The picture without what is said about environments."""
    return [line for line in drawn(*steps) if "python" not in line]


def test_a_linear_flow_is_a_column() -> None:
    assert drawn(step("start", "end", doc="Begin."), step("end")) == [
        "● start",
        "│   Begin.",
        "│   python 3.11, no libraries",
        "│",
        "● end",
        "    python 3.11, no libraries",
    ]


def test_branches_stand_below_their_split_and_the_join_at_its_level() -> None:
    flow = [step("start", "a", "b"), step("a", "a2"), step("a2", "j"), step("b", "j")]
    assert names(*flow, step("j", "end", join=True), step("end")) == [
        "● start",
        "│",
        "├── ● a",
        "│   │",
        "│   ● a2",
        "│",
        "├── ● b",
        "│",
        "● j  joins a2, b",
        "│",
        "● end",
    ]


def test_a_foreach_ends_at_the_join_of_its_own_level() -> None:
    flow = [
        step("start", "outer", foreach="xs"),
        step("outer", "inner", foreach="ys"),
        step("inner", "j1"),
        step("j1", "j2", join=True),
    ]
    assert names(*flow, step("j2", "end", join=True), step("end")) == [
        "● start",
        "│",
        "├── ● outer  for each of xs",
        "│   │",
        "│   ├── ● inner  for each of ys",
        "│   │",
        "│   ● j1  joins inner",
        "│",
        "● j2  joins j1",
        "│",
        "● end",
    ]


def test_a_split_inside_a_foreach_does_not_end_it() -> None:
    flow = [
        step("start", "each", foreach="xs"),
        step("each", "a", "b"),
        step("a", "j1"),
        step("b", "j1"),
        step("j1", "after", join=True),
        step("after", "j2"),
    ]
    assert names(*flow, step("j2", "end", join=True), step("end")) == [
        "● start",
        "│",
        "├── ● each  for each of xs",
        "│   │",
        "│   ├── ● a",
        "│   │",
        "│   ├── ● b",
        "│   │",
        "│   ● j1  joins a, b",
        "│   │",
        "│   ● after",
        "│",
        "● j2  joins after",
        "│",
        "● end",
    ]


def test_a_branch_that_is_nothing_but_the_join_points_at_it() -> None:
    assert names(step("start", "a", "b"), step("a", "b"), step("b")) == [
        "● start",
        "│",
        "├── ● a",
        "│",
        "├── → b",
        "│",
        "● b",
    ]


def test_a_circle_ends() -> None:
    assert names(step("start", "a"), step("a", "start"))[-1] == "→ start, drawn above"


def test_each_step_says_its_environment_and_what_its_decorators_say() -> None:
    conda = Conda(libraries=(("numpy", ""), ("pandas", "1.5.3")), python="3.9")
    decorators = (conda, Retry(times=1), Catch("failed"), Resources(cpu=1.5, memory=4096))
    only = Step("start", "/f/flow.py", 1, "", (), decorators=decorators)
    assert drawn(only) == [
        "● start",
        "    python 3.9: numpy, pandas 1.5.3",
        "    retry 1 time · catch as failed · 1.5 CPU · 4096 MiB",
    ]


def test_a_step_says_under_what_conditions_it_runs() -> None:
    decorators = (
        Timeout(minutes=2),
        Environment((("A", "hidden"), ("B", "2"))),
        Secrets((SecretSource("env", "TOKEN"),)),
        Card(),
        Card(id="b"),
        Resources(gpu=2),
    )
    assert drawn(Step("start", "/f/flow.py", 1, "", (), decorators=decorators))[-1] == (
        "    timeout 2 min 00 s · sets A, B · secrets from 1 source · 2 cards · 2 GPU"
    )


@pytest.mark.parametrize(
    ("decorator", "said"),
    [
        (Remote(("gpu-box",)), "on gpu-box · 2 CPU"),
        (Remote(("a", "b")), "on a or b · 2 CPU"),
        (Remote(), "on another host · 2 CPU"),
        (Local(), "on this machine · 2 CPU"),
    ],
)
def test_a_step_says_where_it_runs(decorator: StepDecorator, said: str) -> None:
    assert drawn(Step("start", "/f/flow.py", 1, "", (), decorators=(Resources(cpu=2), decorator)))[-1] == f"    {said}"


@pytest.mark.parametrize(
    ("decorators", "said"),
    [
        ((Conda((("numpy", "2"),)), Pypi((("rich", ""),), python="3.12")), "python 3.12: numpy 2; pypi: rich"),
        ((Pypi((("rich", ">=13"),), "3.12", file="/f/requirements.txt"),),
         "python 3.12: pypi: rich >=13; file requirements.txt"),
        ((Conda(file="/f/environment.yml"),), "file environment.yml"),
        ((Conda(lock="/f/conda-lock.yml"),), "lock conda-lock.yml"),
        ((Image("debian:bookworm"),), "image debian:bookworm"),
    ],
)  # fmt: skip
def test_libraries_of_every_kind_are_said(decorators: tuple[StepDecorator, ...], said: str) -> None:
    only = Step("start", "/f/flow.py", 1, "", (), decorators=decorators)
    assert drawn(only) == ["● start", f"    {said}"]


def test_a_disabled_environment_has_no_libraries() -> None:
    assert "no libraries" in drawn(step("start", conda=Conda((("pandas", "1"),), disabled=True)))[1]


def test_docstrings_are_wrapped_to_the_width_inside_the_tree() -> None:
    shown = drawn(step("start", "a", foreach="x"), step("a", "j", doc="word " * 40), step("j", join=True), width=40)
    words = [line for line in shown if "word" in line]
    assert max(map(len, shown)) <= 40
    assert len(words) > 1
    assert {line[:8] for line in words} == {"│       "}


def test_a_flow_says_its_configs() -> None:
    configs = (
        ConfigDefinition("settings", "settings", required=False, help="How it learns."),
        ConfigDefinition("films", "films", required=True),
    )
    flow = Flow("F", "/f/flow.py", 3, "", {"start": step("start")}, configs=configs)
    assert [plain(line) for line in draw(flow, 80)][2:6] == [
        "--config settings PATH",
        "    How it learns.",
        "--config films PATH  [required]",
        "",
    ]


def test_a_flow_says_its_parameters() -> None:
    parameters = (
        ParameterDefinition("alpha", "alpha", "float", required=True, help="How much."),
        ParameterDefinition("name", "name", "str", required=False, default="x"),
    )
    flow = Flow("F", "/f/flow.py", 3, "What it does.", {"start": step("start")}, parameters)
    lines = [plain(line) for line in draw(flow, 80)]
    assert lines[0].endswith("/f/flow.py:3")
    assert lines[1:7] == [
        "What it does.",
        "",
        "--alpha NUMBER  [required]",
        "    How much.",
        "--name TEXT  [default: x]",
        "",
    ]


def test_colours_change_no_character() -> None:
    for line in draw(Flow("F", "/f/flow.py", 1, "Doc.", {"start": step("start")}), 80):
        text = coloured(line)
        for code in ("\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[36m"):
            text = text.replace(code, "")
        assert text.rstrip() == plain(line)


def test_a_switch_shows_what_leads_where_and_what_comes_again() -> None:
    flow = [
        replace(step("start", "a", "end"), condition="kind", cases=(("x", "a"), ("y", "a"), (3, "end"))),
        replace(step("a", "a", "b"), condition="more", cases=((True, "a"), (False, "b"))),
        step("b", "end"),
    ]
    assert names(*flow, step("end")) == [
        "● start",
        "│",
        "├── ● a  if kind is 'x' or 'y'",
        "│   │",
        "│   ├── → a, again  if more is True",
        "│   │",
        "│   ├── → b  if more is False",
        "│   │",
        "│   ● b",
        "│",
        "├── → end  if kind is 3",
        "│",
        "● end",
    ]


def test_ways_of_a_switch_that_meet_at_the_join_around_it_end_there() -> None:
    flow = [
        step("start", "a", foreach="xs"),
        replace(step("a", "b", "c"), condition="n", cases=((1, "b"), (2, "c"))),
        step("b", "j"),
        step("c", "j"),
    ]
    assert names(*flow, step("j", "end", join=True), step("end")) == [
        "● start",
        "│",
        "├── ● a  for each of xs",
        "│   │",
        "│   ├── ● b  if n is 1",
        "│   │",
        "│   ├── ● c  if n is 2",
        "│",
        "● j  joins b, c",
        "│",
        "● end",
    ]


def test_a_thousand_switches_inside_each_other_are_drawn() -> None:
    ways = [
        replace(step(f"s{n}", f"s{n + 1}", "end"), condition="go", cases=(("on", f"s{n + 1}"), ("off", "end")))
        for n in range(1_000)
    ]
    lines = names(step("start", "s0"), *ways, step("s1000", "end"), step("end"))
    assert lines[-1] == "● end"
    assert sum("● s" in line for line in lines) == 1_002


def test_a_gang_is_called_one() -> None:
    flow = [replace(step("start", "node"), gang=True), step("node", "j"), step("j", "end", join=True)]
    assert names(*flow, step("end")) == [
        "● start",
        "│",
        "├── ● node  a gang: several at the same time",
        "│",
        "● j  joins node",
        "│",
        "● end",
    ]


def test_a_flow_begins_with_its_first_step_whatever_that_is_called() -> None:
    flow = Flow("F", "/f/flow.py", 1, "", {each.name: each for each in (step("only"),)}, start="only", end="only")
    assert [plain(line) for line in draw(flow, 80)][2:] == ["● only", "    python 3.11, no libraries"]


def test_a_flow_says_its_project() -> None:
    flow = Flow("F", "/f/flow.py", 3, "", {"start": step("start")}, project=AskedProject("films"))
    assert [plain(line) for line in draw(flow, 80)][1] == "project films"
