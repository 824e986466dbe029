"""Run checks and tests, one after the other, and end with a summary.

    everything.py [lint|unit|engines|bank|generated]

Every part runs even if one before it failed, so that one run shows all there is to mend. Tests of `unit` run on every
core; those with an engine run one at a time, for they measure and count what is on it. Two at a time run the
differential ones and those of remote hosts.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

# What is shipped into step containers, where an old Python may run it.
_MODULES = ("errors.py", "exception.py", "lazy_dataclasses.py")
_PARTS = (*_MODULES, "flow", "artifacts", "cards", "runtime", "store", "client")
_PROGRAMS = ("in_image/program.py", "debugging/beginning.py", "debugging/program.py")
SHIPPED = [f"dockerflow/{name}" for name in (*_PARTS, *_PROGRAMS)]
WITH_ENGINE = ["integration", "end_to_end", "differential", "faults"]


@dataclass(frozen=True)
class Part:
    name: str
    command: list[str]

    @property
    def is_pytest(self) -> bool:
        return self.command[0] == "pytest"


@dataclass(frozen=True)
class Outcome:
    part: Part
    ok: bool
    seconds: float
    words: str  # pytest's own last line, or nothing

    def __str__(self) -> str:
        return f"{'ok    ' if self.ok else 'FAILED'} {self.part.name:<14} {self.seconds:6.1f} s  {self.words}"


LINT = [
    Part("style", ["ruff", "check", "."]),
    Part("types", ["mypy"]),
    Part("import rules", ["lint-imports"]),
    # It would take an argument `file` for a function that only Python 2 has, and then not look at the rest.
    Part("old Python", ["vermin", "-t=3.7-", "--violations", "--no-tips", "--exclude", "file", *SHIPPED]),
]
UNIT = [Part("unit", ["pytest", "-q", "-n", "auto", "tests/unit"])]
SET_UP = [
    Part("set-up", ["dockerflow", "setup"]),
    Part("test channel", ["python", "-c", "from tests.channel import local_channel as made; print(made().folder)"]),
]
# The channel of the matrix of versions.
VERSIONS = [
    Part("version channel", ["python", "-c", "from tests.channel import matrix_channel as made; print(made().folder)"]),
]
OBJECT_SERVERS = [Part("object servers", ["python", "-m", "tests.object_servers"])]
# Docker 20.10, Docker with the containerd store, and Podman, each in a world of its own.
OTHER_ENGINES = [Part("other engines", ["python", "-m", "tests.engines"])]
CONTRACTS = ["tests/integration/images/test_engine_contract.py", "tests/integration/engines/test_engine_contract.py"]
# These have engines of their own, and wait a lot: for cuts to last, and for hosts to be given up.
REMOTE = [
    "tests/integration/hosts",
    "tests/integration/engines/test_lasting.py",
    "tests/integration/engines/test_own_outbox.py",
    "tests/integration/images/test_remote_images.py",
    "tests/end_to_end/test_hybrid.py",
    "tests/faults/test_hosts.py",
    "tests/faults/test_runs_on_hosts.py",
]
REMOTE_HOSTS = Part("remote hosts", ["pytest", "-q", "-n", "2", "--dist", "loadfile", *REMOTE])
ON_EACH = [
    Part("each engine", ["pytest", "-q", *CONTRACTS, "tests/integration/images/test_registry_pull.py"]),
    REMOTE_HOSTS,
]
# Nothing is measured in the differential tests, so two of their flows run at once.
AT_ONCE = {"differential": ["-n", "2"]}
ENGINE = [
    Part(name, ["pytest", "-q", *AT_ONCE.get(name, []), f"tests/{name}", *(f"--ignore={each}" for each in REMOTE)])
    for name in WITH_ENGINE
]
BANK = [
    Part("bank", ["python", "-m", "tests.differential", "bank"]),
    Part("in containers", ["python", "-m", "tests.differential", "bank", "--engine", "docker"]),
]
GENERATED = [Part("generated", ["python", "-m", "tests.differential", "generated", "--count", "100"])]

PARTS = {
    "lint": LINT,
    "unit": UNIT,
    "engines": [*SET_UP, *OTHER_ENGINES, *ON_EACH],
    "bank": [*SET_UP, *BANK],
    "generated": GENERATED,
    "all": [*LINT, *UNIT, *SET_UP, *VERSIONS, *OBJECT_SERVERS, *OTHER_ENGINES, *ENGINE, REMOTE_HOSTS],
}


def run(part: Part) -> Outcome:
    """Run one part; its output goes on as it comes."""
    print(f"\n== {part.name}: {' '.join(part.command)}", flush=True)
    began = time.monotonic()
    last = ""
    with subprocess.Popen(
        [str(BIN / part.command[0]), *part.command[1:]], cwd=ROOT, stdout=subprocess.PIPE, text=True, errors="replace"
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            last = line.strip() or last
    return Outcome(part, process.returncode == 0, time.monotonic() - began, last.strip("= ") if part.is_pytest else "")


def counted(outcomes: list[Outcome]) -> tuple[int, int]:
    """How many tests passed and how many did not, in all of pytest's last lines."""
    words = " ".join(outcome.words for outcome in outcomes if outcome.part.is_pytest)
    passed = sum(int(number) for number in re.findall(r"(\d+) passed", words))
    failed = sum(int(number) for number in re.findall(r"(\d+) (?:failed|errors?)", words))
    return passed, failed


def main(arguments: list[str]) -> int:
    outcomes = [run(part) for part in PARTS[arguments[0] if arguments else "all"]]
    print("\n== summary")
    for outcome in outcomes:
        print(outcome)
    passed, failed = counted(outcomes)
    if any(outcome.part.is_pytest for outcome in outcomes):
        print(f"{passed} passed, {failed} failed")
    return 0 if all(outcome.ok for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
