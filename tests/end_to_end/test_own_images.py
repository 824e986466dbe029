"""A flow in which a step brings its own image: the command, the run, and what is recorded."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from docker.errors import ImageNotFound

from tests import own_images
from tests.integration.engines.conftest import image as whole  # noqa: F401 - a fixture

NAME = "dockerflow-test/brought:1"

FLOW = """
from dockerflow import FlowSpec, conda, image, step

class Mixed(FlowSpec):
    @image("dockerflow-test/brought:1")
    @step
    def start(self):
        import os, pathlib, sys, tempfile
        self.version = sys.version_info[:2]
        self.colour = os.environ["COLOUR"]
        self.home, self.folder, self.uid = os.environ["HOME"], os.getcwd(), os.getuid()
        pathlib.Path("here").write_text("x")
        pathlib.Path(self.home, "there").write_text("x")
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("x")
        pathlib.Path("/tmp/everywhere").write_text("x")
        self.closed = not any(os.access(place, os.W_OK) for place in ("/", "/usr", "/etc", "/dockerflow/blobs"))
        self.numbers = list(range(5))
        self.next(self.end)

    @conda(libraries={"pandas": "2.2.3"}, python="3.11")
    @step
    def end(self):
        import pandas
        self.sum = int(pandas.Series(self.numbers).sum())
"""


@pytest.fixture
def brought(docker_client, whole) -> str:  # noqa: F811
    """The image's ID. It has an entry point, a user and folders that a worker must be indifferent to."""
    identity = own_images.build(docker_client, NAME, own_images.STUBBORN)
    yield identity
    docker_client.images.remove(NAME, force=True)
    with suppress(ImageNotFound):  # but for a test that has moved the name to another
        docker_client.images.remove(identity, force=True)


@pytest.fixture
def flow(tmp_path):
    path = tmp_path / "flow.py"
    path.write_text(FLOW)
    return path


def test_a_step_with_an_image_of_its_own_runs_beside_others(dockerflow, flow, brought, results):
    told = dockerflow("run", flow).stdout
    assert f"[start] own image present ({NAME}, Python 3.11.2, {brought[:19]})" in told
    data = results.Flow("Mixed").latest_run.data
    assert (data.sum, data.colour, data.closed) == (10, "green", True)
    assert data.uid != 0
    assert data.folder.startswith(f"{data.home}/")
    run = results.Flow("Mixed").latest_run
    start, end = (run[step].task.environment_info for step in ("start", "end"))
    assert start["image"] == NAME
    assert brought in (start.get("config-digest"), start.get("manifest-digest"))
    assert start["python-version"] == "3.11.2"
    assert "lock" not in start
    assert end["base-image"] == "debian:bookworm-slim"
    assert end["base-digest"].startswith("sha256:")
    assert end["python-version"].startswith("3.11.")
    assert end["lock"]


def test_containers_are_made_of_what_the_name_meant_when_the_run_began(
    variables, flow, brought, docker_client, tmp_path
):
    """The tag moves while the flow runs: the step behind it must not notice."""
    moving = FLOW.replace("@step\n    def start", "@step\n    def begin").replace(
        "class Mixed(FlowSpec):",
        "class Mixed(FlowSpec):\n"
        "    @step\n"
        "    def start(self):\n"
        "        import os, time\n"
        "        while not os.path.exists('/tmp/seen'):\n"
        "            time.sleep(0.02)\n"
        "        self.next(self.begin)\n",
    )
    flow.write_text(moving)
    command = [Path(sys.executable).with_name("dockerflow"), "run", "flow.py"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout:
            if "/start/" in line and "task begins" in line:
                break
        own_images.build(docker_client, NAME, "RUN rm /usr/bin/python3")
        labels = ["dockerflow.flow=Mixed", "dockerflow.step=start"]
        (container,) = docker_client.containers.list(filters={"label": labels})
        assert container.exec_run(["touch", "/tmp/seen"]).exit_code == 0
        rest = process.stdout.read()
    assert process.returncode == 0, rest


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("debian:bookworm-slim", 5, "step `start` (flow.py:7) asks for the image `debian:bookworm-slim`, in which"),
        ("dockerflow-test/nowhere:1", 5, "step `start` (flow.py:7) asks for the image `dockerflow-test/nowhere:1`"),
        ("Not A Name", 3, "flow.py:5: `image` of `@image` is `'Not A Name'`; expected the name of an image"),
    ],
)
def test_an_image_that_cannot_be_used_is_told_with_the_step(dockerflow, flow, docker_client, name, code, told):
    flow.write_text(FLOW.replace(NAME, name))
    failed = dockerflow("run", flow, code=code)
    assert told in failed.stderr
