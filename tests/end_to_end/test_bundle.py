"""A run goes in one file to a machine that reaches nothing but its Docker, and comes out the same there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import DockerClient

from dockerflow.setup.channel import LocalChannel
from dockerflow.store import history
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.history import RunHistory
from tests import own_images
from tests.conftest import BASE_IMAGE
from tests.end_to_end.conftest import Command
from tests.engines import daemons
from tests.integration.engines.conftest import image as whole  # noqa: F401 - a fixture

FLOW = """
from dockerflow import FlowSpec, IncludeFile, Parameter, conda, conda_base, image, step

@conda_base(python="3.11")
class Carried(FlowSpec):
    factor = Parameter("factor", default=2)
    words = IncludeFile("words", default="words.txt")

    @conda(libraries={"packaging": "23.2"})
    @step
    def start(self):
        import packaging
        self.version = packaging.__version__
        self.table = bytes(range(256)) * 1000
        self.next(self.brought)

    @image("dockerflow-test/carried:1")
    @step
    def brought(self):
        import os
        self.colour = os.environ["COLOUR"]
        self.next(self.end)

    @step
    def end(self):
        self.answer = self.factor * len(self.words)
"""

# The channel of the tests is a folder of this machine: it is hidden, as a network would be by its absence.
ALONE = ["unshare", "--net", "--mount", "sh", "-ec", 'mount -t tmpfs none "$1"; shift; exec "$@"', "alone"]


@pytest.fixture
def own(docker_client: DockerClient, whole: str) -> Iterator[str]:  # noqa: F811
    """An image that a step brings along, which is nowhere but on this machine's engine."""
    yield own_images.build(docker_client, "dockerflow-test/carried:1", "ENV COLOUR=green")
    docker_client.images.remove("dockerflow-test/carried:1", force=True)


@pytest.fixture
def bundle(dockerflow: Command, own: str, tmp_path: Path) -> Path:
    (tmp_path / "flow.py").write_text(textwrap.dedent(FLOW))
    (tmp_path / "words.txt").write_text("some words")
    dockerflow("run", "flow.py", "--factor", "3", "--run-id-file", "run-id")
    run = f"Carried/{(tmp_path / 'run-id').read_text()}"
    said = dockerflow("export", run, "bundle.tar").stdout
    assert said.startswith("bundle.tar")
    assert "files of its images" in said
    assert "without the values of table, whose hashes are in it" in said
    return tmp_path / "bundle.tar"


def recorded(folder: Path, run_id: str) -> RunHistory:
    return history.read(DirectoryStore(folder / ".dockerflow"), "Carried", run_id)


def test_a_bundle_is_run_again_where_there_is_no_network_and_gives_the_same(
    bundle: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, test_channel: LocalChannel
) -> None:
    run_id = (tmp_path / "run-id").read_text()
    there = tmp_path_factory.mktemp("there")
    with daemons.running("docker 20.10") as engine:

        def alone(*words: str) -> str:
            """Another machine: a network without a route out, no channel, an engine and a cache that are empty."""
            command = [*ALONE, str(test_channel.folder), str(Path(sys.executable).with_name("dockerflow")), *words]
            ours = {"DOCKER_HOST": engine.url, "DOCKERFLOW_CACHE_DIR": str(there / "cache"), "DOCKERFLOW_CHANNELS": ""}
            home = {f"XDG_{name}_HOME": str(there / name) for name in ("CONFIG", "DATA", "STATE")}
            done = subprocess.run(
                command, cwd=there, env={**os.environ, **ours, **home}, capture_output=True, text=True, timeout=120
            )
            assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
            return done.stdout

        assert f"imported run Carried/{run_id}" in alone("import", str(bundle))
        report = json.loads(alone("rerun", f"Carried/{run_id}", "--json", "-"))
        assert report["identical"], report
        again = next(each for each in DirectoryStore(there / ".dockerflow").children("runs/Carried") if each != run_id)
        then, now = recorded(tmp_path, run_id), recorded(there, again)
        for name, step in then.steps.items():
            assert now.steps[name].config_digest == step.config_digest
            for digest in filter(None, (step.config_digest, step.base_digest)):
                assert engine.client.images.get(digest).id == digest
        assert now.status == "succeeded"
        names = {name for image in engine.client.images.list() for name in image.tags}
        assert BASE_IMAGE not in names  # which is to mean what the registry says, when there is one
