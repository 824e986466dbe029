"""What user code learns from `current`, in a task, at launch, and outside both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dockerflow.flow.current import Parallel, current
from dockerflow.flow.definition import Project
from dockerflow.runtime.messages import Gang, RunTask
from dockerflow.runtime.task import run_task
from dockerflow.store import manifest
from dockerflow.store.blobs import Blobs
from tests.unit.flow.sources import loaded

ASKS = """
        class F(FlowSpec):
            p = Parameter("p", default=1)
            q = Parameter("q-r", default=1)
            constant = 3
            @step
            def start(self):
                from dockerflow import current
                self.said = {asked}
                self.next(self.end)
            @step
            def end(self):
                pass
"""

NONE_OUTSIDE = (
    "flow_name",
    "run_id",
    "origin_run_id",
    "step_name",
    "task_id",
    "pathspec",
    "retry_count",
    "namespace",
    "username",
    "tags",
    "task",
    "run",
    "trigger",
)
OF_PROJECT = ("project_name", "branch_name", "project_flow_name", "is_production", "is_user_branch")


def _said(folder: Path, asked: str, **changes: Any) -> Any:
    """What `asked` gives in a step."""
    flow = loaded(folder, ASKS.format(asked=asked))
    blobs = Blobs(folder / "blobs")
    request = RunTask("F", "1", "start", "7", 2, True, manifest.write(blobs, {"p": 1, "q": 2}, {}), ())
    result = run_task(flow.cls, flow.flow, replace(request, **changes), blobs)
    assert result.failure is None, result.failure
    assert result.manifest is not None
    return manifest.load(blobs, manifest.read(blobs, result.manifest).artifacts["said"])


def test_a_task_knows_where_it_is(tmp_path: Path) -> None:
    asked = "[current.flow_name, current.run_id, current.step_name, current.task_id, current.pathspec, "
    asked += "current.retry_count, current.parameter_names, current.is_running_flow]"
    assert _said(tmp_path, asked) == ["F", "1", "start", "7", "F/1/start/7", 2, ["p", "q"], True]


def test_a_task_knows_who_runs_it(tmp_path: Path) -> None:
    asked = "[current.username, current.namespace, current.tags, current.origin_run_id]"
    given = {"user": "ada", "namespace": "user:ada", "tags": ("b", "a b")}
    assert _said(tmp_path, asked, **given) == ["ada", "user:ada", {"b", "a b"}, None]
    assert _said(tmp_path, asked, origin_run_id="0")[3] == "0"


def test_a_change_of_the_tags_given_changes_nothing(tmp_path: Path) -> None:
    assert _said(tmp_path, "[current.tags.add('b'), current.tags]", tags=("a",))[1] == {"a"}


def test_a_task_of_a_project_knows_it(tmp_path: Path) -> None:
    asked = f"[getattr(current, name) for name in {OF_PROJECT}]"
    project = Project("p", "user.ada", "p.user.ada.F")
    assert _said(tmp_path, asked, project=project) == ["p", "user.ada", "p.user.ada.F", False, True]
    project = Project("p", "prod", "p.prod.F", production=True)
    assert _said(tmp_path, asked, project=project) == ["p", "prod", "p.prod.F", True, False]


def test_what_a_decorator_provides_is_missing_without_it(tmp_path: Path) -> None:
    asked = "[(hasattr(current, name), name in current, current.get(name, 'no')) for name in {}]"
    assert set(_said(tmp_path, asked.format((*OF_PROJECT, "card", "parallel", "nonsense")))) == {(False, False, "no")}


def test_get_gives_none_for_what_is_none(tmp_path: Path) -> None:
    """As in Metaflow: the default is for names that `current` does not have."""
    assert _said(tmp_path, "[current.get('origin_run_id', 'no'), 'origin_run_id' in current]") == [None, False]


def test_a_member_of_a_gang_knows_the_others(tmp_path: Path) -> None:
    gang = Gang(1, 3, "6", "10.0.0.1")
    assert _said(tmp_path, "tuple(current.parallel)", gang=gang) == tuple(Parallel("10.0.0.1", 3, 1, "6"))


def test_temporary_directory_is_the_one_in_which_the_task_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "task"
    folder.mkdir()
    monkeypatch.chdir(folder)
    asked = "[__import__('os').chdir('/'), current.tempdir][1]"
    assert _said(tmp_path, asked) == str(folder)


def test_outside_a_task_there_is_nothing() -> None:
    assert [getattr(current, name) for name in NONE_OUTSIDE] == [None] * len(NONE_OUTSIDE)
    assert not any(name in current for name in NONE_OUTSIDE)
    assert (current.is_running_flow, current.tempdir) == (False, ".")
    assert not any(hasattr(current, name) for name in ("parameter_names", *OF_PROJECT))


def test_a_launch_knows_flow_and_project_alone(tmp_path: Path) -> None:
    flow = loaded(tmp_path, ASKS.format(asked=1)).flow
    with current.launching(flow, Project("p", "test.b", "p.test.b.F")):
        known = {name for name in NONE_OUTSIDE if getattr(current, name) is not None}
        assert (known, current.is_running_flow) == ({"flow_name"}, False)
        assert (current.project_name, current.branch_name, current.is_user_branch) == ("p", "test.b", False)
    assert current.flow_name is None


def test_what_is_missing_is_explained() -> None:
    with pytest.raises(AttributeError, match="`current` has no `project_name`: this flow has no `@project`"):
        _ = current.project_name
