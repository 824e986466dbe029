"""What a step can import: its image's modules, the user's files, dockerflow, and no folder of ours by accident."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.commands import dockerflow

FLOW = """
import sys

from dockerflow import FlowSpec, step


class Imports(FlowSpec):
    @step
    def start(self):
        import code
        import pdb  # which needs the `code` of the standard library

        import beside

        print(code.InteractiveConsole.__name__, pdb.Pdb.__name__, beside.__name__)
        self.next(self.end)

    @step
    def end(self):
        pass
"""


@pytest.mark.parametrize("package", [True, False])
def test_no_folder_of_ours_hides_a_module(tmp_path: Path, package: bool) -> None:
    """Also where the flow's folder is a package itself: the folder that holds it then is one, and can be imported."""
    (tmp_path / "flow.py").write_text(FLOW)
    (tmp_path / "beside.py").write_text("")
    if package:
        (tmp_path / "__init__.py").write_text("")
    answer = dockerflow("run", "flow.py", "--engine", "process", cwd=tmp_path)
    assert (answer.code, answer.stderr) == (0, "")
    assert "InteractiveConsole Pdb beside" in answer.stdout
