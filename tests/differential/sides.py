"""Run a case by whole commands, on Metaflow or here, and ask the side's client what is left: an `Outcome`.

Each run has a folder, a home and a store of its own, the same user, the same seed of hashes, and one task at a time, so
that also of a run that fails the same tasks have run. What Metaflow answered is kept beside the test channel, under
everything that it depends on: a second run asks it nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests import channel
from tests.differential.case import BESIDE, Case

DUMP = Path(__file__).parent / "dump.py"
PATIENCE = 280  # seconds, for one command

# Raise it when cases are run in another way: old answers of Metaflow are then left unused.
RECIPE = 1

# What a client was asked, and its answer: by (what it is of, name of the fact).
Answers = dict[tuple[str, str], Any]


@dataclass(frozen=True)
class Outcome:
    """What the commands of a case left. `said` is what they printed: for whoever reads a difference, never compared."""

    answers: Answers
    said: str


def on_metaflow(case: Case) -> Outcome:
    kept = channel.cache() / "metaflow" / f"{_key(case)}.json"
    if not kept.exists():
        _keep(kept, _run_on_metaflow(case))
    found = json.loads(kept.read_text(encoding="utf-8"))
    return Outcome({(what, fact): answer for what, fact, answer in found["answers"]}, found["said"])


def _key(case: Case) -> str:
    beside = {path.name: path.read_bytes().hex() for path in sorted(BESIDE.iterdir())}
    made_by = [RECIPE, version("metaflow"), platform.python_version(), DUMP.read_text(encoding="utf-8")]
    return hashlib.sha256(json.dumps([case.name, case.text, beside, made_by]).encode()).hexdigest()


def _keep(file: Path, outcome: Outcome) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    answers = [[what, fact, answer] for (what, fact), answer in outcome.answers.items()]
    written = file.with_suffix(f".{os.getpid()}")
    written.write_text(json.dumps({"answers": answers, "said": outcome.said}), encoding="utf-8")
    written.replace(file)


def _run_on_metaflow(case: Case) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="metaflow-") as root:
        there = Side("metaflow", Path(root), case)
        file = case.write(there.folder, case.for_metaflow)
        start = [sys.executable, file.name, "--quiet", "--no-pylint", *case.given]
        variables = {
            "METAFLOW_HOME": root,
            "METAFLOW_DATASTORE_SYSROOT_LOCAL": root,
            "METAFLOW_DEFAULT_DATASTORE": "local",
            "METAFLOW_DEFAULT_METADATA": "local",
            "HOME": root,
        }
        return there.outcome([[*start, word, *options, *words] for word, options, words in _commands(case)], variables)


def on_dockerflow(case: Case, engine: str = "process", store: Mapping[str, str] | None = None) -> Outcome:
    """`store` are the variables that name one; otherwise it is a folder."""
    with tempfile.TemporaryDirectory(prefix="dockerflow-") as root:
        here = Side("dockerflow", Path(root), case)
        file = case.write(here.folder, case.text)
        start = [str(Path(sys.executable).with_name("dockerflow"))]
        more = case.in_containers if engine == "docker" else ()
        variables = {
            "DOCKERFLOW_STORE": str(Path(root) / "store"),
            **{f"XDG_{name}_HOME": str(Path(root) / name.lower()) for name in ("CACHE", "CONFIG", "DATA", "STATE")},
            **(_of_engine() if engine == "docker" else {"HOME": root}),
            **(store or {}),
        }
        return here.outcome(
            [
                [*start, word, file.name, *case.given, "--engine", engine, *more, *options, *words]
                for word, options, words in _commands(case)
            ],
            variables,
        )


def _of_engine() -> dict[str, str]:
    """Layers are shared between runs: they are found by what went into them."""
    return {
        "DOCKERFLOW_CHANNELS": channel.local_channel().url,
        "DOCKERFLOW_CACHE_DIR": str(channel.cache() / "cache"),
    }


def _commands(case: Case) -> list[tuple[str, list[str], tuple[str, ...]]]:
    return [
        (word, ["--run-id-file", f"run_id_{number}", "--max-workers", "1"], words)
        for number, (word, *words) in enumerate(case.commands)
    ]


class Side:
    """One side's place to run a case in."""

    def __init__(self, tool: str, root: Path, case: Case) -> None:
        self._tool, self._case = tool, case
        self.folder = root / "flow"

    def outcome(self, commands: list[list[str]], variables: dict[str, str]) -> Outcome:
        environment = {**_clean(), "USER": "tester", "PYTHONHASHSEED": "0", **variables}
        answers: Answers = {}
        said = []
        for number, command in enumerate(commands, 1):
            done = self._run(command, {**environment, **self._case.variables})
            answers[f"command {number}", "exit code"] = done.returncode
            said.append(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}")
        return Outcome({**answers, **self._dumped(environment, "\n".join(said))}, "\n".join(said))

    def _dumped(self, environment: dict[str, str], said: str) -> Answers:
        run_ids = [file.read_text() for file in sorted(self.folder.glob("run_id_*"))]
        if not run_ids:
            return {}
        done = self._run([sys.executable, str(DUMP), self._tool, self._case.flow, *run_ids], environment)
        assert done.returncode == 0, f"{self._tool}'s client could not be asked:\n{done.stderr}\n{said}"
        lines = map(json.loads, done.stdout.splitlines())
        return {(what, fact): answer for what, fact, answer in lines}

    def _run(self, command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=PATIENCE,
            check=False,
        )


def _clean() -> dict[str, str]:
    """The environment without any setting of either side, where `python` is this one: Metaflow starts a gang by it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("METAFLOW_", "DOCKERFLOW_"))}
    return {**kept, "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])}
