"""What Docker itself says of a run's containers while they run."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from dockerflow.store import history
from dockerflow.store.directory import DirectoryStore

FLOW = """
import os, time
from dockerflow import FlowSpec, conda, conda_base, resources, step

def wait_until_seen():
    # The test looks at this container and then makes this file in it.
    while not os.path.exists("/tmp/seen"):
        time.sleep(0.02)
    os.unlink("/tmp/seen")

@conda_base(python="3.11")
class Seen(FlowSpec):
    @conda(libraries={"packaging": "23.2"})
    @step
    def start(self):
        import packaging
        self.version = packaging.__version__
        wait_until_seen()
        self.next(self.end)

    @resources(cpu=1, memory=256)
    @conda(libraries={"packaging": "24.1"})
    @step
    def end(self):
        import packaging
        self.version_at_end = packaging.__version__
        wait_until_seen()
"""


def containers(client, run_id: str, step: str) -> list:
    labels = [f"dockerflow.run={run_id}", f"dockerflow.step={step}"]
    return client.containers.list(filters={"label": labels})


@pytest.fixture
def running(variables, tmp_path):
    """The flow above, running in another process."""
    (tmp_path / "flow.py").write_text(textwrap.dedent(FLOW))
    command = [Path(sys.executable).with_name("dockerflow"), "run", "flow.py", "--run-id-file", "run-id"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    with process:
        yield process
        process.kill()


def wait_for_task(process, step: str) -> str:
    """Read the command's output until a task of `step` runs; returns what was read."""
    seen = ""
    for line in process.stdout:
        seen += line
        if f"/{step}/" in line and "task begins" in line:
            return seen
    raise AssertionError(f"the run ended before `{step}` began:\n{seen}")


def test_each_task_runs_in_a_container_of_the_image_that_its_lock_implies(running, docker_client, results, tmp_path):
    from dockerflow.config import load_config  # noqa: PLC0415 - after the fixtures have set the user's folders
    from dockerflow.environments.lock_file import loads  # noqa: PLC0415
    from dockerflow.images.provide import ImageProvider  # noqa: PLC0415

    images = {}
    for step in ("start", "end"):
        wait_for_task(running, step)
        run_id = (tmp_path / "run-id").read_text()
        (container,) = containers(docker_client, run_id, step)
        images[step] = container.attrs["Image"]
        assert container.exec_run(["touch", "/tmp/seen"]).exit_code == 0
    assert running.wait(timeout=60) == 0

    run = results.Run(f"Seen/{run_id}")
    assert (run["start"].task.data.version, run.data.version_at_end) == ("23.2", "24.1")
    rebuild = ImageProvider(docker_client, load_config(tmp_path).base_image, tmp_path / "another-cache")
    store = DirectoryStore(tmp_path / ".dockerflow")
    for step, image in images.items():
        record = history.read(store, "Seen", run_id).steps[step]
        lock = loads(bytes(store.blobs.get(record.lock)).decode(), "the record")
        rebuilt = rebuild.provide(lock)
        assert image in (rebuilt.config_digest, rebuilt.manifest_digest)
    assert images["start"] != images["end"]


def test_a_killed_scheduler_leaves_no_container(running, docker_client, tmp_path):
    wait_for_task(running, "start")
    run_id = (tmp_path / "run-id").read_text()
    (container,) = containers(docker_client, run_id, "start")
    running.kill()
    running.wait()
    container.wait(condition="removed", timeout=30)
    assert containers(docker_client, run_id, "start") == []


def test_a_stopped_run_leaves_no_container_and_its_journal_says_so(running, docker_client, results, tmp_path):
    wait_for_task(running, "start")
    run_id = (tmp_path / "run-id").read_text()
    running.terminate()
    assert running.wait(timeout=60) == 143
    assert docker_client.containers.list(all=True, filters={"label": f"dockerflow.run={run_id}"}) == []
    assert results.Run(f"Seen/{run_id}").status == "stopped"
