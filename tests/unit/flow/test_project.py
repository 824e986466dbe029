"""The project and branch that a run belongs to."""

from __future__ import annotations

import pytest

from dockerflow.flow.definition import AskedProject, Flow, Project
from dockerflow.flow.errors import FlowError
from dockerflow.flow.project import project_of


def flow(*asked: object) -> Flow:
    return Flow("Train", "/flow.py", 1, "", {}, project=AskedProject(*asked) if asked else None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "given", "branch", "production"),
    [
        (("films",), (), "user.ada", False),
        (("films",), ("b",), "test.b", False),
        (("films",), (None, True), "prod", True),
        (("films",), ("b", True), "prod.b", True),
        (("films", "b"), (), "test.b", False),
        (("films", "b"), ("b",), "test.b", False),
        (("films", None, True), (), "prod", True),
        (("films", "b", True), (), "prod.b", True),
        (("films", None, False), (), "user.ada", False),
    ],
)
def test_branch_is_named_as_in_metaflow(asked, given, branch, production) -> None:
    expected = Project("films", branch, f"films.{branch}.Train", production)
    assert project_of(flow(*asked), "ada", *given) == expected


def test_a_flow_without_a_project_has_none() -> None:
    assert project_of(flow(), "ada") is None


@pytest.mark.parametrize(
    ("asked", "given", "said"),
    [
        ((), ("b",), "flow `Train` belongs to no project, so `--branch` says nothing"),
        ((), (None, True), "flow `Train` belongs to no project, so `--production` says nothing"),
        (("films",), ("a.b",), "branch `a.b` has a name that a branch cannot have"),
        (("films", "a"), ("b",), "branch `b` is asked for, and `@project` names the branch `a`"),
        (("films", None, False), (None, True), "production is asked for, and `@project` says `production=False`"),
    ],
)
def test_options_that_cannot_be_are_refused(asked, given, said) -> None:
    with pytest.raises(FlowError) as error:
        project_of(flow(*asked), "ada", *given)
    assert said in error.value.message


def test_variables_say_what_the_options_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METAFLOW_FLOW_BRANCH", "b")
    monkeypatch.setenv("DOCKERFLOW_FLOW_PRODUCTION", "1")
    assert project_of(flow("films"), "ada") == Project("films", "prod.b", "films.prod.b.Train", True)
    assert project_of(flow(), "ada") is None
