"""What a user sees of runs that are over."""

from __future__ import annotations

import pickle
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from dockerflow.client import Artifact, Flow, Run, Step, Task
from dockerflow.store.directory import DirectoryStore
from tests.unit.client.runs_by_hand import FLOW, successful_run


@pytest.fixture
def run(store: DirectoryStore) -> Run:
    return Run(f"{FLOW}/{successful_run(store)}")


def test_results_of_the_latest_successful_run_are_one_line_away(run: Run) -> None:
    assert Flow(FLOW).latest_successful_run.data.best == "Brazil"


def test_runs_are_listed_newest_first(store: DirectoryStore) -> None:
    ids = [successful_run(store) for _ in range(3)]
    assert [run.id for run in Flow(FLOW)] == ids[::-1]
    assert Flow(FLOW).latest_run == Flow(FLOW)[ids[-1]]


def test_runs_are_found_by_all_of_their_tags(store: DirectoryStore) -> None:
    successful_run(store, ("draft",))
    both = successful_run(store, ("draft", "large"))
    assert [run.id for run in Flow(FLOW).runs("draft", "large")] == [both]
    assert len(list(Flow(FLOW).runs("user:anna"))) == 2


def test_every_object_is_found_by_its_pathspec(run: Run) -> None:
    assert Step(f"{run.pathspec}/each") == run["each"]
    assert Task(f"{run.pathspec}/each/2") == run["each"]["2"]
    assert Artifact(f"{run.pathspec}/each/2/film").data == run["each"]["2"]["film"].data == "Alien"
    assert Artifact(f"{run.pathspec}/each/2/film").parent.parent.parent.parent == Flow(FLOW)


def test_steps_and_tasks_are_listed_newest_first(run: Run) -> None:
    assert [step.id for step in run] == ["end", "join", "each", "start"]
    assert [task.id for task in run["each"]] == ["3", "2"]
    assert run["each"].task.id == "3"


def test_a_name_can_be_looked_for_with_in(run: Run) -> None:
    assert run.id in Flow(FLOW)
    assert "each" in run
    assert "2" in run["each"]
    assert "4" not in run["each"]
    assert "film" in run["each"]["2"]
    assert "film" in run["each"]["2"].data
    assert "best" not in run["each"]["2"].data


def test_names_with_an_underscore_are_found_but_not_listed(run: Run) -> None:
    task = run["start"].task
    assert [artifact.id for artifact in task] == ["films"]
    assert task["_hidden"].data == 1
    assert not hasattr(task.data, "_hidden")


def test_artifacts_can_be_had_without_their_values(run: Run) -> None:
    artifact = run["start"].task.artifacts.films
    assert (artifact.type, artifact.size > 0, len(artifact.sha)) == ("list", True, 64)
    assert "python" in artifact.libraries
    assert "films" in dir(run["start"].task.artifacts)


def test_logs_are_text_and_lines_with_their_time(run: Run) -> None:
    task = run["start"].task
    assert task.stdout == "hello\n\n"
    assert task.stderr == "oh\n"
    first = datetime.fromtimestamp(1.5, timezone.utc).replace(tzinfo=None)
    assert next(iter(task.loglines("stdout"))) == (first, "hello")
    assert next(iter(task.loglines("stderr", as_unicode=False)))[1] == b"oh"
    assert run["end"].task.stdout == ""


def test_times_are_those_of_the_journal(run: Run) -> None:
    assert run.created_at == datetime.fromtimestamp(1_700_000_001)
    assert run.finished_at == run["end"].task.finished_at
    assert run.finished_at - run.created_at == timedelta(seconds=15)
    assert run.duration == timedelta(seconds=16)
    assert run["each"].created_at <= run["each"]["2"].created_at < run["each"]["2"].finished_at
    assert run["each"]["2"].duration == timedelta(seconds=2.5)
    assert run["each"].finished_at == run["each"]["3"].finished_at


def test_tasks_know_their_place_in_the_run(run: Run) -> None:
    assert [run["each"][task].index for task in ("2", "3")] == [0, 1]
    assert run["start"].task.index is None
    assert [task.id for task in run["join"].task.parent_tasks] == ["2", "3"]
    assert [task.id for task in run["start"].task.child_tasks] == ["2", "3"]
    assert [step.id for step in run["each"].parent_steps] == ["start"]
    assert [step.id for step in run["each"].child_steps] == ["join"]


def test_a_task_tells_what_it_ran_in(run: Run) -> None:
    found = run["start"].task.metadata_dict
    assert found["container"] == "box-0"
    assert found["image"] == "dockerflow/step:aa"
    assert found["config-digest"] == "sha256:aa"
    assert found["attempt"] == "0"
    assert run["each"].environment_info["lock"] == "cc"


def test_the_code_of_a_run_can_be_read_and_unpacked(run: Run) -> None:
    assert "def successful_run" in run.code.flowspec
    with run.code.extract() as folder:
        assert (Path(folder) / "runs_by_hand.py").read_text() == run.code.flowspec


def test_objects_pickle_as_their_names(run: Run) -> None:
    for thing in (Flow(FLOW), run, run["each"], run["each"]["2"], run["each"]["2"]["film"]):
        assert pickle.loads(pickle.dumps(thing)) == thing
        assert len({thing, pickle.loads(pickle.dumps(thing))}) == 1


def test_objects_show_themselves_as_they_are_made(run: Run) -> None:
    assert repr(run["each"]["2"]) == f"Task('{run.pathspec}/each/2')"
    assert str(Flow(FLOW)) == f"Flow('{FLOW}')"
