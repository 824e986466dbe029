"""`doctor` and `setup`: what this machine has, what it lacks, and what was done about it, a line each."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from dockerflow.cli.places import config_here
from dockerflow.cli.streams import coloured
from dockerflow.config import ConfigError
from dockerflow.setup.doctor import diagnose
from dockerflow.setup.errors import SetupError
from dockerflow.setup.finding import Finding
from dockerflow.setup.steps import set_up

COLOURS = {"ok": "32", "made": "1;32", "doing": "2", "missing": "1;31", "broken": "1;31"}


def doctor() -> int:
    """Only look. Exit code 10 when a run could not work here."""
    good = True
    for finding in _diagnosed():
        tell(finding)
        good = good and finding.good
    if not good:
        print("\n`dockerflow setup` mends what it can")
    return 0 if good else SetupError.exit_code


def _diagnosed() -> Iterator[Finding]:
    try:
        config = config_here()
    except ConfigError as error:
        yield Finding("settings", "broken", error.message, error.hint)
        return  # what a run would find depends on them
    yield from diagnose(config)


def setup(flows: list[Path]) -> int:
    """Mend what is missing, for the given flows. Raises SetupError for what cannot be mended."""
    findings = set_up(config_here(), flows, tell)
    return 0 if all(finding.good for finding in findings) else SetupError.exit_code


def tell(finding: Finding) -> None:
    word = f"{finding.state:<8}"
    if coloured(sys.stdout):
        word = f"\x1b[{COLOURS[finding.state]}m{word}\x1b[0m"
    print(f"{word} {finding.subject}: {finding.text}")
    if finding.hint:
        print(f"{'':<8} hint: {finding.hint}")
    sys.stdout.flush()
