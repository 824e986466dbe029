"""Whoever knows Metaflow's client can read our runs: the same questions to both have the same answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def test_the_client_answers_what_metaflows_does(tmp_path: Path) -> None:
    ours, theirs = answers(tmp_path / "ours", "dockerflow"), answers(tmp_path / "theirs", "metaflow")
    assert len(ours) > 150
    assert {question: answer for question, answer in ours.items() if answer != theirs.get(question)} == {}
    assert ours.keys() == theirs.keys()


def answers(folder: Path, package: str) -> dict[str, Any]:
    """Run the flow for two users, and ask the client of the first one."""
    (folder / ".dockerflow").mkdir(parents=True)
    text = (HERE / "client_flow.py").read_text()
    (folder / "flow.py").write_text(text.replace("from dockerflow", f"from {package}"))
    engine = ["--engine", "process"] if package == "dockerflow" else []
    for user, tags in (("ada", ["--tag", "first"]), ("bob", [])):
        called(folder, user, "flow.py", "--no-pylint", "run", *engine, *tags)
    printed = called(folder, "ada", str(HERE / "client_answers.py"), package)
    return dict(json.loads(line) for line in printed.splitlines())


def called(folder: Path, user: str, *words: str) -> str:
    environment: Mapping[str, str] = {
        **os.environ,
        "HOME": str(folder),
        "DOCKERFLOW_USER": user,
        "METAFLOW_USER": user,
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder),
        "METAFLOW_DEFAULT_DATASTORE": "local",
        "METAFLOW_DEFAULT_METADATA": "local",
        "PYTHONWARNINGS": "ignore",
    }
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
