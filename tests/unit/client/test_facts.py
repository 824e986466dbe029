"""What tasks tell of themselves: attempts, origins, the way through a run of switches, recursions and gangs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from dockerflow.client import Flow, Run, Task, source
from dockerflow.store import code_package, history, journal, manifest, runs
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.journal import JournalWriter
from dockerflow.store.records import (
    AttemptFinished,
    AttemptStarted,
    Failure,
    RunFinished,
    RunStarted,
    StepRecord,
    TaskCreated,
    Transition,
)
from tests.unit.client.runs_by_hand import FLOW, RunByHand, successful_run

WRONG = Failure("exception", "no", "builtins.ValueError")


def of(task: Task, name: str) -> list[str]:
    return [entry.value for entry in task.metadata if entry.name == name]


@pytest.fixture
def retried(store: DirectoryStore) -> Task:
    run = RunByHand(store, runs.new_run_id(store, FLOW))
    run.create("start", "1")
    run.create("each", "2", ("1",), 1)
    run.attempt("each", "2", {"x": 0}, failure=WRONG, final=False)
    run.attempt("each", "2", {"x": 1}, number=1)
    return Task(f"{FLOW}/{run.run_id}/each/2")


def test_every_attempt_has_its_entries(retried: Task) -> None:
    assert of(retried, "attempt") == of(retried, "attempt-done") == ["0", "1"]
    assert of(retried, "attempt_ok") == ["False", "True"]
    assert of(retried, "container") == ["box-0", "box-1"]
    assert retried.metadata_dict["attempt"] == "1"
    assert (of(retried, "origin-run-id"), of(retried, "origin-task-id")) == ([], [])


def test_an_entry_has_a_type_a_time_and_its_task(retried: Task) -> None:
    (ok, _) = [entry for entry in retried.metadata if entry.name == "attempt_ok"]
    assert (ok.type, ok.created_at % 1000, ok.task) == ("internal_attempt_status", 0, retried)
    assert {entry.type for entry in retried.metadata if entry.name == "attempt"} == {"attempt"}
    assert [entry.created_at for entry in retried.metadata] == sorted(entry.created_at for entry in retried.metadata)


def test_one_attempt_has_its_own_entries_alone(retried: Task) -> None:
    first = Task(retried.pathspec, attempt=0)
    assert of(first, "attempt") == ["0"]
    assert (first.successful, first.finished, first.exception.type, first.data.x) == (
        False,
        False,
        "builtins.ValueError",
        0,
    )
    assert (retried.successful, retried.finished, retried.exception, retried.data.x) == (True, True, None, 1)


def test_a_task_without_an_attempt_tells_of_none(retried: Task) -> None:
    waiting = retried.parent.parent["start"].task
    assert (of(waiting, "attempt"), waiting.current_attempt, waiting.metadata_dict["user"]) == ([], 0, "anna")


def test_a_task_tells_its_way_through_the_foreaches_as_metaflow_does(retried: Task) -> None:
    assert retried.metadata_dict["foreach-execution-path"] == "each:1"
    assert retried.metadata_dict["script-name"] == "runs_by_hand.py"


def test_the_runtime_is_what_the_tag_says(store: DirectoryStore) -> None:
    run = Run(f"{FLOW}/{successful_run(store)}")
    assert run["start"].task.runtime_name is None
    assert run.trigger is None


def test_code_tells_where_it_is_from(retried: Task, store: DirectoryStore) -> None:
    code = retried.code
    assert code.info["script"] == code.script_name == "runs_by_hand.py"
    assert (code.info["username"], code.info["environment_type"]) == ("anna", "image")
    assert f"{code_package.USER}/runs_by_hand.py" in code.tarball.getnames()
    assert code.tarball is code.tarball
    assert str(store.root) in code.path


# ---- resumed runs


@pytest.fixture
def resumed(store: DirectoryStore) -> tuple[Run, Run]:
    """A run, and another that took over its tasks but the last."""
    origin = Run(f"{FLOW}/{successful_run(store)}")
    records = journal.read(store, FLOW, origin.id)
    run_id = runs.new_run_id(store, FLOW)
    writer = JournalWriter(store, FLOW, run_id)
    for record in records:
        task_id = getattr(record, "task_id", "")
        if isinstance(record, RunStarted):
            writer.append(replace(record, run_id=run_id, origin_run_id=origin.id))
        elif task_id == "5" or isinstance(record, RunFinished):
            writer.append(record)
        elif isinstance(record, TaskCreated):
            inputs = tuple(f"9{each}" for each in record.inputs)
            writer.append(replace(record, task_id=f"9{task_id}", inputs=inputs, origin_task_id=task_id))
        elif isinstance(record, AttemptFinished):
            writer.append(replace(record, task_id=f"9{task_id}", attempt=0, log=None))
    writer.close()
    return origin, Run(f"{FLOW}/{run_id}")


def test_what_a_resumed_run_is_from_stands_on_runs_steps_tasks_and_artifacts(resumed: tuple[Run, Run]) -> None:
    origin, run = resumed
    assert (origin.origin_pathspec, origin["start"].origin_pathspec, origin["start"].task.origin_pathspec) == (
        None,
    ) * 3
    assert run.origin_pathspec == origin.pathspec
    assert run["end"].origin_pathspec == f"{origin.pathspec}/end"
    assert run["each"]["92"].origin_pathspec == f"{origin.pathspec}/each/2"
    assert run["each"]["92"]["film"].origin_pathspec == f"{origin.pathspec}/each/2/film"
    assert run["end"].task.origin_pathspec is run["end"].task["best"].origin_pathspec is None


def test_a_task_that_was_taken_over_tells_its_origin_and_one_that_ran_the_run_alone(resumed: tuple[Run, Run]) -> None:
    origin, run = resumed
    cloned, ran = run["start"].task, run["end"].task
    assert (cloned.metadata_dict["origin-run-id"], cloned.metadata_dict["origin-task-id"]) == (origin.id, "1")
    assert ran.metadata_dict["origin-run-id"] == origin.id
    assert "origin-task-id" not in ran.metadata_dict
    assert of(cloned, "attempt") == ["0"]


def test_a_task_that_was_taken_over_has_what_is_known_of_its_origin(
    resumed: tuple[Run, Run], store: DirectoryStore
) -> None:
    origin, run = resumed
    cloned = run["start"].task
    assert (cloned.metadata_dict["container"], cloned.data.films) == ("box-0", ["Alien", "Brazil"])
    assert all(entry.task == cloned for entry in cloned.metadata)
    store.delete(f"runs/{FLOW}/{origin.id}/journal/{store.children(f'runs/{FLOW}/{origin.id}/journal')[0]}")
    assert "container" not in Task(cloned.pathspec).metadata_dict


# ---- the way through a run


class Written:
    """A run of a flow of any steps."""

    def __init__(self, store: DirectoryStore, *steps: StepRecord) -> None:
        self.store, self.run_id, self.time = store, runs.new_run_id(store, "Way"), 0.0
        self.journal = JournalWriter(store, "Way", self.run_id)
        self.append(RunStarted(1.0, "Way", self.run_id, "anna", "", "", steps))

    def append(self, record: Any) -> None:
        self.time += 1
        self.journal.append(replace(record, time=self.time))

    def task(
        self, step: str, task_id: str, *inputs: str, index: int | None = None, asked: Transition | None = None
    ) -> None:
        foreach = () if index is None else (("start", "", index, 2),)
        self.append(TaskCreated(0, step, task_id, inputs, foreach))
        self.append(AttemptStarted(0, step, task_id, 0))
        sha256 = manifest.write(self.store.blobs, {"x": int(task_id)}, {})
        self.append(AttemptFinished(0, step, task_id, 0, True, True, sha256, transition=asked))

    def read(self) -> Run:
        self.append(RunFinished(0, "succeeded"))
        self.journal.close()
        return Run(f"Way/{self.run_id}")


def test_of_a_switch_only_the_way_that_was_taken_is_there(store: DirectoryStore) -> None:
    written = Written(
        store,
        StepRecord("start", ("left", "right"), condition="which"),
        StepRecord("left", ("last",)),
        StepRecord("right", ("last",)),
        StepRecord("last", ()),
    )
    written.task("start", "1")
    written.task("right", "2", "1")
    written.task("last", "3", "2")
    run = written.read()
    assert [step.id for step in run] == ["last", "right", "start"]
    assert [step.id for step in run["start"].child_steps] == [step.id for step in run["last"].parent_steps] == ["right"]
    assert [task.pathspec for task in run["last"].task.parent_tasks] == [f"{run.pathspec}/right/2"]
    assert [*run["start"].task.child_task_pathspecs] == [*run["last"].task.parent_task_pathspecs]
    assert "left" not in run


def test_the_last_step_may_have_any_name(store: DirectoryStore) -> None:
    written = Written(store, StepRecord("start", ("finale",)), StepRecord("finale", ()))
    written.task("start", "1")
    written.task("finale", "2", "1")
    run = written.read()
    assert (run.end_task.pathspec, run.data.x, run.successful) == (f"{run.pathspec}/finale/2", 2, True)


def test_a_step_that_follows_itself_is_its_own_parent_and_child(store: DirectoryStore) -> None:
    written = Written(
        store,
        StepRecord("start", ("loop",)),
        StepRecord("loop", ("loop", "end"), condition="more"),
        StepRecord("end", ()),
    )
    written.task("start", "1")
    written.task("loop", "2", "1")
    written.task("loop", "3", "2")
    written.task("end", "4", "3")
    run = written.read()
    assert [step.id for step in run["loop"].parent_steps] == ["start", "loop"]
    assert [step.id for step in run["loop"].child_steps] == ["loop", "end"]
    assert [task.id for task in run["loop"]] == ["3", "2"]
    assert [[each.id for each in task.parent_tasks] for task in run["loop"]] == [["2"], ["1"]]
    assert [each.id for each in run["loop"]["2"].child_tasks] == ["3"]


def test_the_control_task_of_a_gang_is_its_first(store: DirectoryStore) -> None:
    written = Written(
        store, StepRecord("start", ("node",), gang=True), StepRecord("node", ("end",)), StepRecord("end", (), join=True)
    )
    written.task("start", "1", asked=Transition(("node",), size=2, gang=True))
    written.task("node", "2", "1", index=0)
    written.task("node", "3", "1", index=1)
    written.task("end", "4", "2", "3")
    run = written.read()
    assert [task.id for task in run["node"].control_tasks()] == ["2"]
    assert (run["node"].control_task.id, run["end"].control_task) == ("2", None)
    assert run["node"]["2"].metadata_dict["internal_task_type"] == "control"


# ---- how often the store is read


def test_the_journal_of_a_run_is_read_once(store: DirectoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = successful_run(store)
    monkeypatch.setattr(source, "_latest", [])
    reads: Counter[str] = Counter()
    read = history.read

    def counted(*where: Any) -> history.RunHistory:
        reads["journal"] += 1
        return read(*where)

    monkeypatch.setattr(history, "read", counted)
    pathspec = f"{FLOW}/{run_id}"
    for task_id in ("2", "3"):
        assert Task(f"{pathspec}/each/{task_id}").data.film
    run = Flow(FLOW)[run_id]
    for step in run:
        for task in step:
            for child in task.child_tasks:
                assert task.id in [each.id for each in child.parent_tasks]
    assert reads["journal"] == 1
