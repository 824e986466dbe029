"""`dump`, where what it would show cannot be read."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from dockerflow.cli.dumping import Wanted, dump
from dockerflow.store import runs
from dockerflow.store.directory import create
from tests.unit.client.runs_by_hand import FLOW, RunByHand


def test_what_cannot_be_shown_of_many_tasks_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A foreach of a thousand models would say a thousand times that a library is missing."""
    module = ModuleType("toolbox")
    exec("class Model: pass", vars(module))
    monkeypatch.setitem(sys.modules, "toolbox", module)
    store = create(tmp_path)
    run = RunByHand(store, runs.new_run_id(store, FLOW))
    for task_id in ("1", "2", "3"):
        model = module.Model()
        model.number = task_id
        run.create("start", task_id)
        run.attempt("start", task_id, {"model": model})
    run.finish()
    monkeypatch.delitem(sys.modules, "toolbox")
    assert dump(f"{FLOW}/{run.run_id}", Wanted(), store.name) == 0
    said = capsys.readouterr().err
    assert said.count("artifact `model` is not shown: ") == 1
    assert said.endswith(" (3 values)\n")
