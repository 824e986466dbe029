"""What flows, runs, steps, tasks and artifacts show of themselves in a notebook."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from dockerflow.client import DataArtifact, Flow, Metaflow, Run, Step, Task
from dockerflow.client.layout import layout
from dockerflow.client.markup import COLOURS, frame
from dockerflow.client.picture import Box, picture
from dockerflow.store import runs
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.records import Failure, TaskCreated
from tests.unit.client.runs_by_hand import FLOW, RunByHand, successful_run

EVIL = "<script>alert(1)</script>"


def html_of(shown: Any) -> str:
    made: str = shown._repr_html_()
    assert "<script" not in made
    ET.fromstring(made.replace("&nbsp;", " ").replace("&ensp;", " "))  # every element ends, every text is escaped
    return made


def test_everything_shows_what_it_is(store: DirectoryStore) -> None:
    run = Run(f"{FLOW}/{successful_run(store, ('champion',))}", _namespace_check=False)
    assert f"<code>{run.id}</code>" in html_of(Flow(FLOW))
    assert "champion" in html_of(Flow(FLOW))
    assert FLOW in html_of(Metaflow())
    assert "2 tasks, 5.0 s" in html_of(run)
    assert "films[1]" in html_of(run["each"])
    assert "dockerflow/step:bb" in html_of(run["each"])
    assert "<code>[&#x27;Alien&#x27;, &#x27;Brazil&#x27;]</code>" in html_of(run["start"].task)
    assert "<code>best</code>" in html_of(run.data)
    assert "<pre>&#x27;Brazil&#x27;</pre>" in html_of(run["end"].task["best"])


def test_nothing_that_is_named_or_stored_becomes_html(store: DirectoryStore) -> None:
    run = RunByHand(store, runs.new_run_id(store, FLOW), (EVIL,))
    run.create("start", "1")
    failure = Failure("exception", EVIL, f"films.{EVIL}", f"Traceback\n{EVIL}", EVIL)
    run.attempt("start", "1", {"text": EVIL, EVIL: {EVIL: [EVIL]}}, failure=failure, final=False)
    run.attempt("start", "1", {"text": EVIL, EVIL: {EVIL: [EVIL]}}, number=1, failure=failure)
    run.finish("failed", EVIL)
    found = Run(f"{FLOW}/{run.run_id}", _namespace_check=False)
    task = found["start"].task
    for shown in (Flow(FLOW), found, found["start"], task, task.data, task["text"], task[EVIL]):
        assert "&lt;script&gt;" in html_of(shown)


def test_what_was_taken_over_is_told_with_its_origin(store: DirectoryStore) -> None:
    run = RunByHand(store, runs.new_run_id(store, FLOW))
    run.journal.append(TaskCreated(run.tick(), "start", "1", origin_task_id="7", origin_run_id="1700"))
    run.attempt("start", "1", {})
    run.finish()
    found = Run(f"{FLOW}/{run.run_id}", _namespace_check=False)
    assert "<td>1 (1 reused)</td>" in html_of(found)
    assert "reused from 1700/7" in html_of(found["start"])


@pytest.mark.parametrize(("status", "begun"), [("succeeded", ""), ("failed", "failed"), ("stopped", "stopped")])
def test_a_run_says_how_it_ended(store: DirectoryStore, status: str, begun: str) -> None:
    run = RunByHand(store, runs.new_run_id(store, FLOW))
    run.create("start", "1")
    failure = Failure("stopped" if status == "stopped" else "exception", "oh") if begun else None
    run.attempt("start", "1", {}, failure=failure)
    run.finish(status, "oh" if begun else "")
    made = html_of(Run(f"{FLOW}/{run.run_id}", _namespace_check=False))
    assert f'fill="{COLOURS[status]}"' in made
    assert ("start: " + status) in made
    assert made.count("not begun</title>") == made.count("not begun</span>") == 3


def test_a_run_that_goes_on_and_one_that_was_killed(store: DirectoryStore) -> None:
    run = RunByHand(store, runs.new_run_id(store, FLOW))
    run.create("start", "1")
    run.attempt("start", "1", {})
    for number in range(3):
        run.create("each", str(2 + number), ("1",), number)
    run.attempt("each", "2", {}, failure=Failure("exception", "oh"), caught=True)
    with runs.hold(store, FLOW, run.run_id):
        going_on = html_of(Run(f"{FLOW}/{run.run_id}", _namespace_check=False))
    assert "each: running" in going_on
    assert ">1 of 3</text>" in going_on
    assert "caught 1" in going_on.replace("</span>", "")
    assert "waiting 2" in going_on.replace("</span>", "")
    assert "each: killed" in html_of(Run(f"{FLOW}/{run.run_id}", _namespace_check=False))


def test_ten_thousand_tasks_and_artifacts_are_the_first_fifty_and_a_count(store: DirectoryStore) -> None:
    run = RunByHand(store, runs.new_run_id(store, FLOW))
    run.create("start", "1")
    run.attempt("start", "1", {f"artifact_{number:04}": number for number in range(1000)})
    for number in range(10_000):
        run.journal.append(_created(run, number))
    run.attempt("each", "task-9000", {}, failure=Failure("exception", "the only one that failed"))
    run.finish("failed")
    found = Run(f"{FLOW}/{run.run_id}", _namespace_check=False)
    step = html_of(found["each"])
    assert step.count("<tr>") == 51
    assert "50 of 10,000 tasks" in step
    assert "the only one that failed" in step  # what failed stands first
    assert ">0 of 10,000, 1 failed</text>" in html_of(found)
    assert "50 of 1,000 artifacts" in html_of(found["start"].task)
    assert max(len(html_of(each)) for each in (found, found["each"], found["start"].task)) < 50_000


def _created(run: RunByHand, number: int) -> Any:
    return TaskCreated(run.now, "each", f"task-{number}", ("1",), (("start", "films", number, 10_000),))


class Pictured:
    def _repr_html_(self) -> str:
        return "<b>its own</b>"


class Failing:
    def _repr_html_(self) -> str:
        raise ValueError("no picture")

    def __repr__(self) -> str:
        raise ValueError("and no text")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Pictured(), "<b>its own</b>"),
        (Pictured, "<pre>&lt;class"),
        (Failing(), "<pre>&lt;Failing instance"),
        ("x" * 100_000, "xxx...xxx"),
        (list(range(10**6)), "98, 99, ...]"),
        (None, "<pre>None</pre>"),
    ],
)
def test_an_artifact_is_its_own_picture_or_its_text(store: DirectoryStore, value: Any, shown: str) -> None:
    made = html_of(_artifact(store, value))
    assert shown in made
    assert len(made) < 15_000


def test_a_data_frame_is_a_table(store: DirectoryStore) -> None:
    pandas = pytest.importorskip("pandas")
    films = pandas.DataFrame({"film": ["Alien", EVIL], "gross": [1, 2]})
    made = _artifact(store, films)._repr_html_()
    assert "<th>film</th>" in made
    assert "<script" not in made


def test_no_table_imports_or_runs_what_an_artifact_names(store: DirectoryStore) -> None:
    """A value in a list is plain, or is not read: its class may be missing here, and may do anything."""
    artifact = _artifact(store, [Failing()])
    assert "value" in html_of(artifact.parent)
    assert "Failing" not in html_of(artifact.parent)


def test_a_few_bytes_that_stand_for_a_billion_values_are_shown_by_their_beginning(store: DirectoryStore) -> None:
    """Python keeps a list once, however often it is in others."""
    value: list[Any] = ["ha"]
    for _ in range(9):
        value = [value] * 30
    made = html_of(_artifact(store, value)._above)
    assert "[[[...], [...], [...], " in made


def test_what_cannot_be_read_is_said_in_its_place(store: DirectoryStore) -> None:
    artifact = _artifact(store, 1)
    for blob in (Path(store.name) / "blobs").rglob("*"):
        if blob.is_file():
            blob.unlink()
    for shown in (artifact, Task._named(artifact._components[:4], artifact._scope)):
        assert "cannot be read" in html_of(shown)
    gone = Flow._named(("Gone",), Flow(FLOW)._scope)
    assert "flow" in html_of(gone)
    assert "there is no run `1`" in html_of(Run._named((FLOW, "1"), gone._scope))
    assert "there is no step `no`" in html_of(Step._named((FLOW, artifact.path_components[1], "no"), gone._scope))
    assert "there is no task `99`" in html_of(Task._named((*artifact.path_components[:3], "99"), gone._scope))


def _artifact(store: DirectoryStore, value: Any) -> DataArtifact:
    run = RunByHand(store, runs.new_run_id(store, FLOW))
    run.create("start", "1")
    run.attempt("start", "1", {"value": value})
    run.finish()
    return DataArtifact(f"{FLOW}/{run.run_id}/start/1/value", _namespace_check=False)


# ---- the picture


def test_each_step_stands_to_the_right_of_those_that_lead_to_it() -> None:
    graph = {"start": ["a", "b", "end"], "a": ["c"], "b": ["join"], "c": ["join"], "join": ["end"], "end": []}
    found = layout(graph)
    columns = {step: column for step, (column, _) in found.places.items()}
    assert columns == {"start": 0, "a": 1, "b": 1, "c": 2, "join": 3, "end": 4}
    assert len(set(found.places.values())) == len(graph)
    passed = [place for route in found.routes.values() for place in route[1:-1]]
    assert len(set(passed)) == len(passed) == 4
    assert not set(passed) & set(found.places.values())
    assert found.back == ()


def test_edges_that_lead_back_are_told_apart() -> None:
    graph = {"start": ["again"], "again": ["again", "start", "end"], "end": []}
    assert set(layout(graph).back) == {("again", "again"), ("again", "start")}


def test_branches_stand_in_the_order_of_the_flow_and_do_not_cross() -> None:
    graph = {"start": ["a", "b", "c"], "a": ["x"], "b": ["y"], "c": ["z"], "x": ["end"], "y": ["end"], "z": ["end"]}
    rows = {step: row for step, (_, row) in layout({**graph, "end": []}).places.items()}
    assert [rows[step] for step in "abc"] == [rows[step] for step in "xyz"] == [-1, 0, 1]


@pytest.mark.parametrize("steps", [1, 80, 81, 1000])
def test_a_picture_of_any_length_is_small(steps: int) -> None:
    names = [f"step_{number}" for number in range(steps)]
    following = {name: names[number + 1 : number + 2] for number, name in enumerate(names)}
    made = frame([picture({name: Box(name, "succeeded", "1 s") for name in names}, following)])
    assert ("too many" in made) == (steps > 80)
    assert len(made) < 80_000


def test_a_name_of_any_length_has_a_box() -> None:
    made = picture({"x" * 1000: Box("x" * 1000, "", "")}, {"x" * 1000: ()})
    assert ET.fromstring(made).find(".//{*}rect") is not None


def test_a_step_after_a_foreach_is_drawn_as_several(store: DirectoryStore) -> None:
    run = Run(f"{FLOW}/{successful_run(store)}", _namespace_check=False)
    assert html_of(run).count("<rect") == len(list(run)) + 1
