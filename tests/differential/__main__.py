"""Run flows on Metaflow and here, and say what differs; see the package's docstring."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.differential import case as cases
from tests.differential import generated
from tests.differential.case import Case
from tests.differential.comparison import compared


def chosen(words: list[str]) -> list[Case]:
    names = [name for word in words for name in (cases.in_bank() if word == "bank" else [word])]
    return [cases.read(Path(name)) if name.endswith(".py") else cases.of_bank(name) for name in names]


def one(case: Case, engine: str) -> tuple[bool, str]:
    try:
        comparison = compared(case, engine)
    except Exception as error:  # noqa: BLE001 - the others shall run all the same
        return False, f"{case.name}: {type(error).__name__}: {error}"
    return comparison.same, f"{case.name}: the same" if comparison.same else str(comparison)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser("python -m tests.differential", description=__doc__)
    parser.add_argument("flows", nargs="+", help="names of the bank's flows, files, `bank` for all, or `generated`")
    parser.add_argument("--engine", choices=("process", "docker"), default="process")
    parser.add_argument(
        "--seed", type=int, default=generated.of_today(), help="of the first generated flow; else today's"
    )
    parser.add_argument("--count", type=int, default=100, help="how many flows are generated")
    options = parser.parse_args(arguments)
    made = generated.flows(options.seed, options.count) if "generated" in options.flows else []
    return report([*chosen([word for word in options.flows if word != "generated"]), *made], options.engine)


def report(wanted: Iterable[Case], engine: str) -> int:
    """Run as many at once as there are cores; the answer is an exit code."""
    total = failed = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in as_completed([pool.submit(one, case, engine) for case in wanted]):
            same, text = done.result()
            print(text, flush=True)
            total, failed = total + 1, failed + (not same)
    print(f"{total} flows, {failed} differ")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
