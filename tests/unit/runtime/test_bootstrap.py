"""What a step can import: its image's modules, the user's files, dockerflow, and no folder of ours by accident."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dockerflow.runtime import bootstrap
from dockerflow.store import code_package
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


# A worker that lasts, and is short of patience.
WAITING = """
import sys
from dockerflow.runtime import bootstrap
bootstrap.PATIENCE = 1
bootstrap.main(["0" * 64, "", "", sys.argv[1], "flow.py", "Flow", "lasting", "dockerflow-1-train-0"])
"""


@pytest.mark.parametrize("begun", [b"", b"\0\0\1\0" + b"package"])
def test_a_worker_that_lasts_and_is_not_given_its_code_says_so_and_ends(tmp_path: Path, begun: bytes) -> None:
    """Nobody tells it when whoever started it is gone: its standard input has no end."""
    command = [sys.executable, "-c", WAITING, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as worker:
        assert worker.stdin is not None
        assert worker.stderr is not None
        worker.stdin.write(begun)
        worker.stdin.flush()
        assert worker.stderr.read() == b"for 1 s nothing has come of the code that this worker was to run\n"
        assert worker.wait() == 1


def unpacked(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_package_of_plain_files_is_written_as_tarfile_does(tmp_path: Path) -> None:
    project = tmp_path / "project"
    for name, content in {"flow.py": "x = 1", "empty.py": "", "a/b/c.py": "#" * 512, "a/d.py": "#" * 513}.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(content)
    package = code_package.pack(project / "flow.py")
    assert bootstrap.write_plain(package, str(tmp_path / "plain"))
    bootstrap.write_any(package, str(tmp_path / "any"))
    assert unpacked(tmp_path / "plain") == unpacked(tmp_path / "any")


@pytest.mark.parametrize("name", ["größe.py", "long" * 30 + ".py", "a" * 90 + "/" + "b" * 90 + ".py"])
def test_names_that_a_plain_header_cannot_hold_are_left_to_tarfile(name: str, tmp_path: Path) -> None:
    project, box = tmp_path / "project", tmp_path / "box"
    (project / name).parent.mkdir(parents=True)
    (project / "flow.py").write_text("x = 1")
    (project / name).write_text("y = 2")
    package = code_package.pack(project / "flow.py")
    assert not bootstrap.write_plain(package, str(box))
    bootstrap.write_any(package, str(box))
    assert (box / "user-code" / name).read_text() == "y = 2"
