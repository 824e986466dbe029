"""Every flow of the bank leaves the same artifacts here as on Metaflow, task by task.

The flows differ in one word, the module they import from. What they leave is compared by step and foreach indices:
which tasks ran, which succeeded (a caught failure is none, to Metaflow), and each artifact's `repr`.

Where we differ on purpose, and what tests of `runtime.task` hold: after `sys.exit` in a step with `@catch`, what was
set before it is kept; a step that returns before its `self.next` is a task that failed; `self.input` is the item of the
foreach although its list was replaced or not merged; a foreach may go over a dictionary.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dockerflow.flow.caught import Caught
from tests.driver import Driver, drive

BANK = Path(__file__).parent / "bank"
FLOWS = sorted(path.stem for path in BANK.glob("*.py"))
DUMP = Path(__file__).parent / "metaflow_dump.py"

Tasks = dict[tuple[str, tuple[int, ...]], tuple[bool, dict[str, str]]]


@pytest.mark.parametrize("name", FLOWS)
def test_flow_leaves_the_same_artifacts(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shutil.copytree(BANK, tmp_path / "bank"))
    file = Path(f"{name}.py").resolve()
    parameters = _parameters(file)
    ours = _ours(drive(file, tmp_path / "blobs", parameters))
    theirs = _theirs(file, parameters, tmp_path)
    assert ours == theirs


def _parameters(file: Path) -> dict[str, str]:
    """Those in the first line of a flow, `# Run with --name value ...`."""
    line = file.read_text().splitlines()[0]
    prefix = "# Run with "
    words = line[len(prefix) :].split() if line.startswith(prefix) else []
    return {name[2:]: value for name, value in zip(words[::2], words[1::2], strict=True)}


def _ours(driver: Driver) -> Tasks:
    tasks: Tasks = {}
    for ran in driver.ran:
        artifacts = {
            name: f"caught {value.type}" if isinstance(value, Caught) else repr(value)
            for name, value in ran.artifacts.items()
            if not name.startswith("_") or name == "_private"
        }
        tasks[ran.step, ran.indices] = ran.result.ok and not ran.result.caught, artifacts
    return tasks


def _theirs(file: Path, parameters: dict[str, str], tmp_path: Path) -> Tasks:
    text = file.read_text()
    file.write_text(text.replace("from dockerflow import", "from metaflow import"))
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(tmp_path),
        "METAFLOW_DEFAULT_DATASTORE": "local",
        "METAFLOW_DEFAULT_METADATA": "local",
        "METAFLOW_USER": "tester",
        "METAFLOW_RETRY_COUNT": "0",
    }
    given = [word for name, value in parameters.items() for word in (f"--{name}", value)]
    # One task at a time: every attempt of a failing run has then ended in the order in which ours does.
    command = [
        sys.executable,
        str(file),
        "--quiet",
        "--no-pylint",
        "run",
        "--run-id-file",
        "run_id",
        "--max-workers",
        "1",
    ]
    subprocess.run([*command, *given], env=environment, capture_output=True, timeout=200, check=False)
    file.write_text(text)
    flow = next(line for line in reversed(text.splitlines()) if line.endswith("()")).strip(" ()")
    run_id = Path("run_id").read_text()
    dumped = subprocess.run(
        [sys.executable, str(DUMP), flow, run_id],
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert dumped.returncode == 0, dumped.stderr
    return _parsed(dumped.stdout)


def _parsed(lines: str) -> Tasks:
    tasks: Tasks = {}
    for line in lines.splitlines():
        step, indices, ok, artifacts = json.loads(line)
        tasks[step, tuple(indices)] = ok, artifacts
    return tasks
