"""The file that is made of a notebook's cell. `tests/integration/test_notebooks.py` has a whole notebook."""

from __future__ import annotations

import pytest

from dockerflow import FlowSpec, NBRunner
from dockerflow.runner.errors import NoFlow, RunnerError
from dockerflow.runner.notebook import flow_file

CELL = """%load_ext autoreload
from dockerflow import FlowSpec, step
!pip install pandas

class Helper:
    pass

class Films(FlowSpec):
    @step
    def start(self):
        text = 'a' % ()

run = NBRunner(Films).nbrun()
"""


def test_a_cell_is_a_file_up_to_the_end_of_its_flow() -> None:
    lines = flow_file(CELL, "Films").splitlines()
    assert lines[:3] == ["", "from dockerflow import FlowSpec, step", ""]
    assert lines[10:] == ["        text = 'a' % ()", "", 'if __name__ == "__main__":', "    Films()"]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (CELL, "the cell has no class `Others`"),
        ("", "the cell has no class `Others`"),
        ("class Others(:", "the cell with `Others` is not Python: .* in line 1"),
    ],
)
def test_a_cell_without_the_flow_is_refused(cell: str, message: str) -> None:
    with pytest.raises(NoFlow, match=message):
        flow_file(cell, "Others")


def test_a_program_is_no_notebook() -> None:
    with pytest.raises(RunnerError, match="`NBRunner` is for notebooks, and this is none"):
        NBRunner(FlowSpec)
