"""Whole commands as a user gives them: a process, its exit code, its two streams."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROGRAM = [sys.executable, "-c", "import sys; from dockerflow.cli.main import main; sys.exit(main())"]


@dataclass(frozen=True)
class Answer:
    code: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()


def environment(**changes: str) -> Mapping[str, str]:
    """That of the tests, in English, in UTC, with every warning an error."""
    return {
        **os.environ,
        "PYTHONIOENCODING": "utf-8",
        "PYTHONWARNINGS": "error",
        "TZ": "UTC",
        "COLUMNS": "80",
        "DOCKERFLOW_USER": "ada",
        **changes,
    }


def dockerflow(*words: str, cwd: Path | None = None, **changes: str) -> Answer:
    done = subprocess.run(
        [*PROGRAM, *words],
        cwd=cwd,
        env=environment(**changes),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def refused(*words: str, code: int, error: str, hint: str | None, cwd: Path | None = None) -> None:
    """The command prints nothing but an error in our form."""
    expected = f"error: {error}\n" + (f"\nhint: {hint}\n" if hint else "")
    assert dockerflow(*words, cwd=cwd) == Answer(code, "", expected)
