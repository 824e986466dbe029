"""Graphs of the size that the core is simulated with (`unit/scheduler/test_flatness`), run for real.

On the process engine, which does all but start containers: a task takes 20 to 30 ms of the processor with its process,
so that two thousand end within a minute on two cores.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from dockerflow.client import Run
from dockerflow.config import load_config
from dockerflow.flow.loading import load
from dockerflow.scheduler.launch import RunRequest, launch
from dockerflow.store import journal
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.records import AttemptFinished, AttemptStarted, Record, RunFinished, RunStarted, TaskCreated

pytestmark = pytest.mark.timeout(900)

BRANCHES, LONG = 20, 100
OUTER = INNER = 30


def run(folder: Path, text: str) -> tuple[Run, list[Record]]:
    """The run of a flow, which has succeeded, and its journal."""
    (folder / "flow.py").write_text(text)
    store = DirectoryStore(folder / ".dockerflow")
    request = RunRequest(
        load(folder / "flow.py"), {}, load_config(folder), store, "ada", max_workers=4, engine="process"
    )
    outcome = launch(request)
    assert outcome.status == "succeeded", outcome.reason
    found = Run(f"{outcome.flow}/{outcome.run_id}", store=store, _namespace_check=False)
    return found, journal.read(store, outcome.flow, outcome.run_id)


def require_complete(records: list[Record], tasks: Counter[str]) -> None:
    """So many tasks by step, each created after what it follows has ended, and run once to a good end."""
    assert isinstance(records[0], RunStarted)
    assert isinstance(records[-1], RunFinished)
    created: Counter[str] = Counter()
    states: dict[str, str] = {}
    for record in records[1:-1]:
        assert isinstance(record, (TaskCreated, AttemptStarted, AttemptFinished))
        before = states.get(record.task_id)
        if isinstance(record, TaskCreated):
            assert before is None
            assert all(states[each] == "finished" for each in record.inputs)
            states[record.task_id] = "created"
            created[record.step] += 1
        elif isinstance(record, AttemptStarted):
            assert (before, record.attempt) == ("created", 0)
            states[record.task_id] = "started"
        else:
            assert (before, record.ok, record.final) == ("started", True, True)
            states[record.task_id] = "finished"
    assert created == tasks
    assert set(states.values()) == {"finished"}


BODIES = {
    "start": "self.way = ['start']",
    "join": "self.ways = [each.way for each in inputs]",
    "end": "self.ended = True",
}


def source(ways: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Of a flow in which every branch keeps the names of its steps."""
    yield "from dockerflow import FlowSpec, step\nclass Large(FlowSpec):"
    for name, following in ways.items():
        body = BODIES.get(name, f"self.way = [*self.way, {name!r}]")
        yield f"    @step\n    def {name}(self{', inputs' if name == 'join' else ''}):\n        {body}"
        if following:
            yield f"        self.next({', '.join(f'self.{each}' for each in following)})"


def test_a_graph_of_two_thousand_steps_runs_to_its_end(tmp_path: Path) -> None:
    """In branches, so that all workers have a task: in a line of so many steps each waits for the one before it."""
    branches = [[f"b{branch}_{number}" for number in range(LONG)] for branch in range(BRANCHES)]
    ways = {"start": [branch[0] for branch in branches], "join": ["end"], "end": []}
    for branch in branches:
        ways |= {name: [after] for name, after in pairwise([*branch, "join"])}
    found, records = run(tmp_path, "\n".join(source(ways)))
    assert found["join"].task.data.ways == [["start", *branch] for branch in branches]
    require_complete(records, Counter(dict.fromkeys(ways, 1)))


NESTED = f"""
from dockerflow import FlowSpec, step

class Nested(FlowSpec):
    @step
    def start(self):
        self.rows = list(range({OUTER}))
        self.next(self.row, foreach="rows")

    @step
    def row(self):
        self.row_number = self.input
        self.columns = [f"{{self.input}}.{{number}}" for number in range({INNER})]
        self.next(self.cell, foreach="columns")

    @step
    def cell(self):
        self.value = self.input
        self.stack = [(index, size) for index, size, item in self.foreach_stack()]
        self.next(self.joined_row)

    @step
    def joined_row(self, inputs):
        self.values = [each.value for each in inputs]
        self.stacks = [each.stack for each in inputs]
        self.merge_artifacts(inputs, include=["row_number"])
        self.next(self.joined)

    @step
    def joined(self, inputs):
        self.row_numbers = [each.row_number for each in inputs]
        self.values = [each.values for each in inputs]
        self.stacks = [each.stacks for each in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def test_a_foreach_in_a_foreach_joins_every_row_and_then_all(tmp_path: Path) -> None:
    found, records = run(tmp_path, NESTED)
    rows, columns = range(OUTER), range(INNER)
    assert found.data.row_numbers == list(rows)
    assert found.data.values == [[f"{row}.{column}" for column in columns] for row in rows]
    assert found.data.stacks == [[[(row, OUTER), (column, INNER)] for column in columns] for row in rows]
    many = {"row": OUTER, "cell": OUTER * INNER, "joined_row": OUTER}
    require_complete(records, Counter({"start": 1, "joined": 1, "end": 1, **many}))
    frames = {record.foreach for record in records if isinstance(record, TaskCreated) and record.step == "cell"}
    assert len(frames) == OUTER * INNER
