"""Whole runs on a real server that goes away under them: what was computed is never computed again.

Steps run in plain processes, and tell the test what they do through a pipe; they wait for it by a lock.
"""

from __future__ import annotations

import fcntl
import os
import random
import select
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from dockerflow.buckets.spool import spool_folder
from dockerflow.client import Run
from dockerflow.store import history, runs
from tests.faults.buckets import LONG, SHORT, BucketOnMinio, bucket_on_minio

FLOW = """
import fcntl, os
from dockerflow import FlowSpec, Run, current, step

def tell(*words):
    with open(os.environ["TOLD"], "w") as pipe:
        pipe.write(" ".join(map(str, words)) + chr(10))

def wait():
    with open(os.environ["GATE"]) as gate:
        fcntl.flock(gate, fcntl.LOCK_SH)

class Away(FlowSpec):
    @step
    def start(self):
        tell("start")
        self.xs = list(range(4))
        self.next(self.work, foreach="xs")

    @step
    def work(self):
        Run(current.flow_name + "/" + current.run_id).add_tag("asked")
        tell("work", self.input)
        wait()
        self.y = self.input
        self.block = bytes([self.input]) * 3_000_000
        print("line", self.y)
        self.next(self.join)

    @step
    def join(self, inputs):
        tell("join")
        self.ys = [(task.y, len(task.block)) for task in inputs]
        self.next(self.end)

    @step
    def end(self):
        tell("end")
"""

# What runs as often as it is told in a run without faults.
ONCE = Counter(["start", *(f"work {number}" for number in range(4)), "join", "end"])

# With credentials that are lent to steps, and where the scheduler signs each request of theirs.
ON_BOTH = pytest.mark.parametrize("scene", ["minio", "versitygw"], indirect=True)

# How long anything may take that is waited for, in seconds.
PATIENCE = 120.0


@dataclass
class Scene:
    """A folder with the flow, a store on a server of the test's own, and what the steps have told."""

    folder: Path
    bucket: BucketOnMinio
    pipe: int
    gate: int

    def __post_init__(self) -> None:
        self._text = b""
        self.told: list[str] = []
        self.shut()

    def start(self, *words: str, patience: float) -> subprocess.Popen[str]:
        command = ["dockerflow", *words, "--engine", "process", "--max-workers", "2"]
        return subprocess.Popen(
            [str(Path(sys.executable).parent / command[0]), *command[1:]],
            cwd=self.folder,
            env=self.variables(patience),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def start_and_lose_the_store(self, patience: float) -> subprocess.Popen[str]:
        """A run whose server dies while two tasks of the foreach run, which then end."""
        run = self.start("run", "flow.py", patience=patience)
        self.hear(3)
        self.bucket.server.kill()
        self.open()
        return run

    def variables(self, patience: float) -> Mapping[str, str]:
        pipes = {"TOLD": str(self.folder / "told"), "GATE": str(self.folder / "gate")}
        return {**os.environ, **self.bucket.variables(self.folder / "state", patience), **pipes}

    def hear(self, count: int) -> None:
        """Wait until steps have told so many things in all."""
        while len(self.told) < count:
            assert select.select([self.pipe], [], [], PATIENCE)[0], f"heard no more than {self.told}"
            self._read()

    def heard(self) -> Counter[str]:
        """All that steps have told by now."""
        while select.select([self.pipe], [], [], 0)[0]:
            self._read()
        return Counter(self.told)

    def _read(self) -> None:
        *lines, self._text = (self._text + os.read(self.pipe, 1 << 16)).split(b"\n")
        self.told += [line.decode() for line in lines]

    def shut(self) -> None:
        fcntl.flock(self.gate, fcntl.LOCK_EX)

    def open(self) -> None:
        fcntl.flock(self.gate, fcntl.LOCK_UN)

    def latest(self) -> history.RunHistory:
        store = self.bucket.store()
        return history.read(store, "Away", runs.run_ids(store, "Away")[0])

    def check_results(self) -> None:
        """Of the latest run, which has succeeded."""
        latest = self.latest()
        assert latest.status == "succeeded"
        assert latest.started is not None
        run = Run(f"Away/{latest.started.run_id}", store=self.bucket.store(), _namespace_check=False)
        assert run["join"].task.data.ys == [(number, 3_000_000) for number in range(4)]


@pytest.fixture
def scene(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """On MinIO unless a test says otherwise."""
    (tmp_path / "flow.py").write_text(FLOW)
    os.mkfifo(tmp_path / "told")
    (tmp_path / "gate").touch()
    pipe, gate = os.open(tmp_path / "told", os.O_RDWR), os.open(tmp_path / "gate", os.O_RDWR)
    with bucket_on_minio(tmp_path, getattr(request, "param", "minio")) as bucket:
        for name, value in bucket.variables(tmp_path / "state").items():
            monkeypatch.setenv(name, value)
        yield Scene(tmp_path, bucket, pipe, gate)
    os.close(pipe)
    os.close(gate)


def output(run: subprocess.Popen[str]) -> str:
    try:
        return run.communicate(timeout=PATIENCE)[0]
    finally:
        run.kill()


@ON_BOTH
def test_a_run_outlives_a_server_that_comes_back(scene):
    """It is away when results come in, and when nothing but the journal is to be written."""
    run = scene.start("run", "flow.py", patience=LONG)
    scene.hear(1)
    scene.bucket.server.kill()
    scene.bucket.server.start()
    scene.hear(3)
    scene.bucket.server.kill()
    scene.open()
    scene.bucket.server.start()
    printed = output(run)
    assert run.returncode == 0, printed
    assert scene.heard() == ONCE
    scene.check_results()


@pytest.mark.parametrize("seed", range(3))
def test_a_run_outlives_a_server_that_is_killed_at_any_moment(seed, scene):
    """Also while the run's own records are read and written, and while a step is handed its input."""
    rng = random.Random(seed)
    scene.open()
    run = scene.start("run", "flow.py", patience=LONG)
    while run.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            run.wait(rng.uniform(0.1, 1.5))
        if scene.heard():  # it has begun: a command that finds no server says so at once
            scene.bucket.server.kill()
            scene.bucket.server.start()
    printed = output(run)
    assert run.returncode == 0, printed
    assert scene.heard() == ONCE
    scene.check_results()


@ON_BOTH
def test_what_was_computed_when_the_server_stayed_away_is_delivered_by_resume_and_not_computed_again(scene):
    run = scene.start_and_lose_the_store(patience=SHORT)
    printed = output(run)
    assert run.returncode == 1, printed
    assert f"no answer from the S3 server `{scene.bucket.server.endpoint}`" in printed
    assert "hint: what was computed is kept in" in printed
    assert "when the store is back, `dockerflow resume flow.py --engine process` delivers it and goes on" in printed
    assert scene.heard() == Counter(["start", "work 0", "work 1"])

    waiting = scene.start("resume", "flow.py", patience=SHORT)
    assert "no answer from the S3 server" in output(waiting)
    assert waiting.returncode == 7

    scene.bucket.server.start()
    resumed = scene.start("resume", "flow.py", patience=LONG)
    printed = output(resumed)
    assert resumed.returncode == 0, printed
    assert "brought to the store what waited for it on this machine" in printed
    assert "resumed run" in printed
    assert "3 tasks reused" in printed
    assert scene.heard() == ONCE
    scene.check_results()
    assert not spool_folder(scene.bucket.store()).exists()


def test_tags_and_logs_of_a_lost_store_are_there_when_it_is_back(scene):
    run = scene.start_and_lose_the_store(patience=SHORT)
    output(run)
    lost = next(iter((spool_folder_of(scene) / "runs" / "Away").iterdir())).name
    scene.bucket.server.start()
    output(scene.start("resume", "flow.py", patience=LONG))
    origin = Run(f"Away/{lost}", store=scene.bucket.store(), _namespace_check=False)
    assert "asked" in origin.user_tags
    printed = sorted(task.stdout for task in origin["work"] if task.finished)
    assert printed == ["line 0\n", "line 1\n"]
    assert not origin.successful


def spool_folder_of(scene: Scene) -> Path:
    """Without asking the server."""
    (found,) = (scene.folder / "state" / "dockerflow" / "stores").glob("*/spool")
    return found


def wait_for_the_store(scene: Scene, run: subprocess.Popen[str]) -> None:
    """Until two tasks have computed their values, and their workers told the scheduler, which waits."""
    large = Path("outbox") / "[0-9]*" / ("[0-9a-f]" * 64)
    while len(list((scene.folder / "state").glob(f"dockerflow/stores/*/runs/Away/*/{large}"))) < 2:
        assert run.poll() is None
    while not all(is_idle(worker) for worker in children(run.pid)):
        assert run.poll() is None
    for line in run.stdout or ():
        if "does not answer, and the run waits for it" in line:
            return


def is_idle(worker: int) -> bool:
    """Whether it has no task, and waits for one: between a task's end and its result it waits for nothing."""
    with suppress(OSError):  # it has ended
        return not children(worker) and "poll" in Path(f"/proc/{worker}/wchan").read_text()
    return True


def children(process_id: int) -> list[int]:
    """Of any thread of a process: the workers of a run, the tasks of a worker."""
    found = []
    for listed in Path(f"/proc/{process_id}/task").glob("*/children"):
        with suppress(OSError):  # the thread has ended
            found += [int(child) for child in listed.read_text().split()]
    return found


def test_a_run_that_waits_for_its_store_can_be_stopped(scene):
    """It does not wait then as long as it would have, and what was computed is kept."""
    run = scene.start_and_lose_the_store(patience=3600)
    wait_for_the_store(scene, run)
    run.send_signal(signal.SIGINT)
    printed = output(run)
    assert run.returncode == 130, printed
    assert "is away: what was computed is kept in" in printed
    scene.bucket.server.start()
    resumed = scene.start("resume", "flow.py", patience=LONG)
    printed = output(resumed)
    assert resumed.returncode == 0, printed
    assert scene.heard() == ONCE
    scene.check_results()


def test_a_scheduler_that_is_killed_while_it_waits_leaves_a_run_that_can_be_resumed(scene):
    run = scene.start_and_lose_the_store(patience=3600)
    wait_for_the_store(scene, run)
    run.kill()
    output(run)
    scene.bucket.server.start()
    assert history.status_now(scene.bucket.store(), "Away", *seen(scene)) == "killed"
    resumed = scene.start("resume", "flow.py", patience=LONG)
    printed = output(resumed)
    assert resumed.returncode == 0, printed
    assert scene.heard()["start"] == 1  # it was in the store by then
    scene.check_results()


def seen(scene: Scene) -> tuple[str, history.RunHistory]:
    latest = scene.latest()
    assert latest.started is not None
    return latest.started.run_id, latest
