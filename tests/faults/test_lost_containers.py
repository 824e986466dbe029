"""Containers that go away in the middle of their tasks: those tasks run again, unasked, and nothing else does."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker

from dockerflow.store import history
from dockerflow.store.directory import DirectoryStore
from tests.channel import LocalChannel
from tests.engines import daemons
from tests.engines.fixtures import bring

FLOW = """
import time
from dockerflow import FlowSpec, conda_base, current, step

@conda_base(python="3.11")
class Lost(FlowSpec):
    @step
    def start(self):
        self.xs = ["one", "two", "three"]
        self.next(self.work, foreach="xs")

    @step
    def work(self):
        self.tried = current.retry_count
        if self.input == "two" and not self.tried:
            print("two waits")
            time.sleep(600)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.tries = [task.tried for task in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass
"""


@contextmanager
def run(folder: Path, channel: LocalChannel, cache: Path, **more: str) -> Iterator[subprocess.Popen[str]]:
    """The flow above, in another process, as soon as its second task waits for its end."""
    (folder / "flow.py").write_text(textwrap.dedent(FLOW))
    variables = {"DOCKERFLOW_CHANNELS": channel.url, "DOCKERFLOW_CACHE_DIR": str(cache), **more}
    words = ["run", "flow.py", "--max-workers", "2", "--run-id-file", "run-id", "--store", "store"]
    with subprocess.Popen(
        [Path(sys.executable).with_name("dockerflow"), *words],
        cwd=folder,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            read_until(process, "two waits")
            read_until(process, "work/4] task done")
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], *texts: str) -> str:
    """Until all of them were there, in whatever order; returns what was read."""
    assert process.stdout is not None
    seen, missing = "", set(texts)
    for line in process.stdout:
        seen += line
        missing -= {text for text in missing if text in line}
        if not missing:
            return seen
    raise AssertionError(f"the run ended before {missing}:\n{seen}")


def attempts(folder: Path) -> dict[str, int]:
    """How many each task had, after a run that succeeded, by step and id."""
    run_id = (folder / "run-id").read_text()
    found = history.read(DirectoryStore(folder / "store"), "Lost", run_id)
    assert found.finished is not None
    assert found.finished.status == "succeeded", found.finished
    return {f"{task.created.step}/{task.created.task_id}": len(task.attempts) for task in found.tasks.values()}


AS_EXPECTED = {"start/1": 1, "work/2": 1, "work/3": 2, "work/4": 1, "join/5": 1, "end/6": 1}


def test_of_a_container_that_was_killed_the_task_that_ran_in_it_runs_again(
    docker_client: docker.DockerClient, test_channel: LocalChannel, shared_cache: Path, tmp_path: Path
) -> None:
    with run(tmp_path, test_channel, shared_cache) as process:
        run_id = (tmp_path / "run-id").read_text()
        found = history.read(DirectoryStore(tmp_path / "store"), "Lost", run_id).tasks["3"].attempts[0]
        assert found.started is not None
        docker_client.containers.get(found.started.container).kill()
        read_until(process, "work/3] task begins, attempt 1")
        process.communicate(timeout=120)
    assert attempts(tmp_path) == AS_EXPECTED


def test_a_run_outlives_a_restart_of_its_engine(
    base_archive: Path, test_channel: LocalChannel, shared_cache: Path, tmp_path: Path
) -> None:
    """All containers are lost with the engine, and for a while there is nobody to start new ones."""
    with daemons.running("docker 20.10") as engine:
        bring(engine, base_archive)
        with run(tmp_path, test_channel, shared_cache, DOCKERFLOW_ENGINE=engine.url) as process:
            engine.restart()
            told, _ = process.communicate(timeout=300)
    assert process.returncode == 0, told
    found = attempts(tmp_path)
    # Its next attempt may have gone to the other container, of which nobody had noticed by then that it was lost, too.
    assert found["work/3"] in (2, 3)
    assert {**found, "work/3": 2} == AS_EXPECTED
