"""`dockerflow gc` killed with SIGKILL at random moments, and beside runs that go on: what stays is whole."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerflow.housekeeping.choosing import Wanted, every
from dockerflow.housekeeping.collect import collect
from dockerflow.housekeeping.references import RunName
from dockerflow.housekeeping.verify import verify
from dockerflow.store.base import Store
from dockerflow.store.directory import create
from tests.faults.buckets import bucket_on_minio
from tests.integration.housekeeping.made import large, make
from tests.unit.cli.commands import PROGRAM, environment

# A run's values: some are of many runs, so that what one run alone has goes and what others have stays.
SHARED = "abc"

FLOW = """
from dockerflow import FlowSpec, step

class Beside(FlowSpec):
    @step
    def start(self):
        self.xs = list(range(4))
        self.shared = b"a" * (1 << 17)
        self.next(self.work, foreach="xs")

    @step
    def work(self):
        self.mine = bytes([self.input]) * 100_000
        print("line", self.input)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.mine = [task.mine for task in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass
"""


@pytest.fixture(params=["directory", "minio"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, dict[str, str]]]:
    """A store, and what makes a command find it."""
    if request.param == "directory":
        store = create(tmp_path)
        yield store, {"DOCKERFLOW_STORE": store.name}
        return
    with bucket_on_minio(tmp_path) as bucket, pytest.MonkeyPatch.context() as patch:
        variables = bucket.variables(tmp_path / "state")
        for name, value in variables.items():
            patch.setenv(name, value)
        yield bucket.store(), variables


def fill(store: Store, runs: int) -> None:
    for number in range(runs):
        own = {f"own{count}": large(chr(100 + number), 70_000 + count) for count in range(8)}
        make(store, {"shared": large(SHARED[number % 3]), **own}, status=None if number % 4 == 3 else "failed")
    for number in range(40):
        store.blobs.put([b"nobody's" + bytes([number])])


def gc(variables: dict[str, str], *words: str) -> subprocess.Popen[str]:
    command = [*PROGRAM, "gc", *words, "--delete"]
    return subprocess.Popen(command, env=environment(**variables), stdout=-1, stderr=-1, text=True)


@pytest.mark.parametrize("seed", range(3))
def test_what_stays_is_whole_whenever_it_was_killed(seed: int, place: tuple[Store, dict[str, str]]) -> None:
    """Times are given by what the first, whole one took: at random between its beginning and its end."""
    store, variables = place
    chance = random.Random(seed)
    fill(store, 12)
    total = len(every(store))
    for keep in (10, 8, 6, 4):
        child = gc(variables, "--keep", str(keep), "--grace", "0")
        try:
            child.wait(timeout=chance.uniform(0.3, 2.5))
        except subprocess.TimeoutExpired:
            child.kill()
        child.communicate()
        assert verify(store).faults == ()
        left = every(store)
        assert keep <= len(left) <= total
        assert {one.status for one in left} <= {"failed", "killed"}
    done = gc(variables, "--keep", "3", "--grace", "0")
    said = done.communicate()
    assert done.returncode == 0, said
    assert len(every(store)) == 3
    assert verify(store).faults == ()
    collect(store, Wanted(keep=0), grace=-60)
    # What has lost its journal to one that was killed is no run any more: it goes after a day, or by its name.
    parts = frozenset(RunName("Films", run_id) for run_id in store.children("runs/Films"))
    collect(store, Wanted(named=parts), grace=-60)
    assert (list(store.blobs.every()), store.keys("runs/")) == ([], [])


def test_runs_that_go_on_lose_nothing_to_one_that_removes_others_all_the_time(
    place: tuple[Store, dict[str, str]], tmp_path: Path
) -> None:
    store, variables = place
    (tmp_path / "flow.py").write_text(FLOW)
    run = [*PROGRAM, "run", "--engine", "process", "--max-workers", "2", "flow.py"]
    for _ in range(3):
        make(store, {"shared": large("a"), "own": large("o")})
        child = subprocess.Popen(run, cwd=tmp_path, env=environment(**variables), stdout=-1, stderr=-1, text=True)
        while child.poll() is None:
            collect(store, Wanted(keep=1))
        said = child.communicate()
        assert child.returncode == 0, said
        assert verify(store).faults == ()
    assert {one.status for one in every(store)} == {"succeeded"}
