"""A flow to be run on both sides, and how: what the comments at the top of its file say.

    # Given --config settings settings.json     options of the file, before the word `run`
    # Run with --count 7 --tag "two words"      options and parameters of `run`
    # Environment METAFLOW_RUN_COUNT=8          variables
    # In containers --with conda:...            further options of `run` where steps have containers
    # Then resume middle --run-id-file x        a further command, whose run is compared as well

The flow says `from dockerflow import …`; for Metaflow that one word is changed. What is in `bank/beside` is put beside
the file.
"""

from __future__ import annotations

import ast
import re
import shlex
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

BANK = Path(__file__).parent / "bank"
BESIDE = BANK / "beside"

_IMPORT = re.compile(r"^(\s*(?:from|import)\s+)dockerflow\b", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    """A flow by name and text."""

    name: str
    text: str

    @property
    def given(self) -> tuple[str, ...]:
        return tuple(word for words in self._said("Given") for word in words)

    @property
    def variables(self) -> dict[str, str]:
        pairs = (word.partition("=") for words in self._said("Environment") for word in words)
        return {name: value for name, _, value in pairs}

    @property
    def in_containers(self) -> tuple[str, ...]:
        return tuple(word for words in self._said("In containers") for word in words)

    @property
    def commands(self) -> tuple[tuple[str, ...], ...]:
        """What is run, one after the other: `run` and its words first."""
        run = tuple(word for words in self._said("Run with") for word in words)
        return (("run", *run), *self._said("Then"))

    @cached_property
    def flow(self) -> str:
        """The name of the class that the file's last lines call."""
        return re.findall(r"^    (\w+)\(\)$", self.text, re.MULTILINE)[-1]

    @property
    def for_metaflow(self) -> str:
        return _IMPORT.sub(r"\1metaflow", self.text)

    @property
    def about(self) -> str:
        """The flow's docstring, or that of its file."""
        tree = ast.parse(self.text)
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == self.flow]
        return ast.get_docstring(classes[0] if classes else tree) or ""

    def write(self, folder: Path, text: str) -> Path:
        """The flow's file in a folder of its own, and the files beside it."""
        shutil.copytree(BESIDE, folder)
        file = folder / f"{self.name}.py"
        file.write_text(text, encoding="utf-8")
        return file

    def _said(self, what: str) -> tuple[tuple[str, ...], ...]:
        prefix = f"# {what}"
        head = [line for line in self.text.splitlines() if line.startswith("# ")]
        return tuple(tuple(shlex.split(line[len(prefix) :])) for line in head if line.startswith(f"{prefix} "))


def in_bank() -> list[str]:
    """The names of the bank's flows."""
    return sorted(path.stem for path in BANK.glob("*.py"))


def read(path: Path) -> Case:
    return Case(path.stem, path.read_text(encoding="utf-8"))


def of_bank(name: str) -> Case:
    return read(BANK / f"{name}.py")
