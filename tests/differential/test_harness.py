"""The comparison finds what differs, and what it lets pass is what it says."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from dockerflow.flow.checks import problems
from dockerflow.flow.loading import load
from tests.differential import case, generated
from tests.differential.case import Case
from tests.differential.comparison import differing
from tests.differential.differences import EVERYWHERE, IN, Seen

ANSWERS = {
    ("command 1", "exit code"): 0,
    ("run 1", "successful"): True,
    ("run 1 · start", "stdout"): "said\n",
    ("run 1 · start", "artifact x"): "1",
    ("run 1 · end", "successful"): True,
}


def _found(**changes: object) -> list[str]:
    ours = {(what, fact): changes.get(fact.replace(" ", "_"), answer) for (what, fact), answer in ANSWERS.items()}
    return [f"{one.what} {one.fact}" for one in differing(ANSWERS, ours)]


def test_equal_answers_do_not_differ() -> None:
    assert _found() == []


def test_each_answer_that_is_not_the_same_is_found() -> None:
    assert _found(artifact_x="2", stdout="said more\n") == ["run 1 · start stdout", "run 1 · start artifact x"]


def test_what_a_tool_reports_of_a_failure_is_no_line_of_the_step() -> None:
    assert _found(stdout="said\nTraceback (most recent call last):\n  …\nValueError\n") == []


def test_task_that_one_side_alone_has_is_one_difference() -> None:
    ours = {key: answer for key, answer in ANSWERS.items() if key[0] != "run 1 · start"}
    assert [(one.what, one.fact, one.ours) for one in differing(ANSWERS, ours)] == [
        ("run 1 · start", "there is one", False)
    ]


@pytest.mark.parametrize(("fact", "other"), [("artifact x", "2"), ("stdout", ""), ("successful", False)])
def test_no_reason_lets_a_wrong_value_pass(fact: str, other: object) -> None:
    ours = {key: other if key[1] == fact else answer for key, answer in ANSWERS.items()}
    seen = Seen(Case("some", ""), ANSWERS, ours)
    assert all(not reason.applies(one, seen) for one in differing(ANSWERS, ours) for reason in EVERYWHERE)


def test_what_one_flow_may_differ_in_is_of_a_flow_that_there_is() -> None:
    assert set(IN) <= set(case.in_bank())


@pytest.mark.parametrize("name", case.in_bank())
def test_flow_of_the_bank_can_be_read(name: str) -> None:
    flow = case.of_bank(name)
    ast.parse(flow.text)
    assert flow.flow in flow.text
    assert "metaflow" in flow.for_metaflow


@pytest.mark.parametrize("seed", range(30))
def test_generated_flow_is_one_that_we_accept_and_the_same_each_time(seed: int, tmp_path: Path) -> None:
    flow = generated.flow(seed)
    assert flow.text == generated.flow(seed).text
    path = tmp_path / f"{flow.name}.py"
    path.write_text(flow.text, encoding="utf-8")
    assert not problems(load(path).flow)
