"""Past runs in containers, run once more when all is gone but the store: the same images, the same artifacts."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from docker.errors import ImageNotFound, NotFound

from dockerflow.setup.channel import LocalChannel
from dockerflow.store import history, runs
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.history import RunHistory
from tests import own_images
from tests.channel import with_python
from tests.conftest import BASE_IMAGE
from tests.engines import daemons
from tests.engines.daemons import Engine
from tests.engines.fixtures import bring
from tests.integration.engines.conftest import image as whole  # noqa: F401 - a fixture
from tests.object_servers import Bucket, UseBucket

FLOW = """
import random
from dockerflow import FlowSpec, Parameter, conda, step

class Past(FlowSpec):
    chance = Parameter("chance", type=bool, default=False)

    @conda(libraries={"packaging": ">=23"}, python="3.11")
    @step
    def start(self):
        import packaging
        self.version = packaging.__version__
        self.words = {"one", "two", "three", "four"}
        self.luck = random.random() if self.chance else 1
        self.numbers = [1, 2]
        self.next(self.each, foreach="numbers")

    @step
    def each(self):
        self.square = self.input ** 2
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(each.square for each in inputs)
        self.next(self.end)

    @step
    def end(self):
        pass
"""


@dataclass(frozen=True)
class Machine:
    """Where commands are typed: an engine, a channel, a cache and a folder with or without a store."""

    folder: Path
    channel: Path
    engine: Engine
    cache: Path

    def dockerflow(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        places = {
            "DOCKERFLOW_ENGINE": self.engine.url,
            "DOCKERFLOW_CHANNELS": self.channel.as_uri(),
            "DOCKERFLOW_CACHE_DIR": str(self.cache),
        }
        return command(*words, cwd=self.folder, variables={**os.environ, **places}, code=code)

    @property
    def store(self) -> DirectoryStore:
        return DirectoryStore(self.folder / ".dockerflow")


def command(*words: str, cwd: Path, variables: dict[str, str], code: int = 0) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("dockerflow")
    done = subprocess.run([program, *words], cwd=cwd, env=variables, capture_output=True, text=True, timeout=240)
    assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def newest(store: DirectoryStore, flow: str = "Past") -> RunHistory:
    return history.read(store, flow, runs.run_ids(store, flow)[0])


def digests(run: RunHistory) -> dict[str, tuple[str, str]]:
    return {name: (step.config_digest, step.manifest_digest) for name, step in run.steps.items()}


@pytest.fixture(scope="module")
def engine(base_archive: Path) -> Iterator[Engine]:
    """One that is this module's: its images are all removed."""
    with daemons.running("docker 20.10") as engine:
        bring(engine, base_archive)
        yield engine


@pytest.fixture(scope="module")
def channel(test_channel: LocalChannel, tmp_path_factory: pytest.TempPathFactory) -> LocalChannel:
    """With two versions of one small package."""
    made = with_python(tmp_path_factory.mktemp("channel"), test_channel)
    for package in test_channel.folder.glob("*/packaging-*.conda"):
        (made.folder / package.parent.name).mkdir(exist_ok=True)
        shutil.copyfile(package, made.folder / package.parent.name / package.name)
    made.index()
    return made


@pytest.fixture(scope="module")
def past(engine: Engine, channel: LocalChannel, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine on which the flow has run. It is only read."""
    machine = Machine(tmp_path_factory.mktemp("past"), channel.folder, engine, tmp_path_factory.mktemp("cache"))
    (machine.folder / "flow.py").write_text(FLOW)
    machine.dockerflow("run", "flow.py")
    return machine


@pytest.fixture
def elsewhere(past: Machine, tmp_path: Path) -> Machine:
    """Another one: a copy of the store, the channel at another place, nothing in the cache nor on the engine."""
    shutil.copytree(past.folder / ".dockerflow", tmp_path / ".dockerflow")
    shutil.copytree(past.channel, tmp_path / "channel")
    prune(past.engine)
    return Machine(tmp_path, tmp_path / "channel", past.engine, tmp_path / "cache")


def prune(engine: Engine) -> None:
    """`docker image prune -a`."""
    api: Any = engine.client.api
    for container in api.containers(all=True):
        with suppress(NotFound):  # it goes by itself
            api.wait(container["Id"], condition="removed")
    engine.client.images.prune(filters={"dangling": False})
    assert engine.client.images.list() == []


@contextmanager
def hidden(past: Machine) -> Iterator[None]:
    """The address that the locks have is gone, as on another machine."""
    away = past.channel.rename(past.channel.with_suffix(".away"))
    try:
        yield
    finally:
        away.rename(past.channel)


def pathspec(past: Machine) -> str:
    return f"Past/{runs.run_ids(past.store, 'Past')[-1]}"


def test_with_only_the_store_and_a_channel_the_same_comes_out(
    past: Machine, elsewhere: Machine, base_archive: Path
) -> None:
    bring(elsewhere.engine, base_archive)
    with hidden(past):
        looked = elsewhere.dockerflow("debug", f"{pathspec(past)}/end", "--no-run")  # what is rerun can be looked into
        assert f"image {newest(past.store).steps['end'].image} on " in looked.stderr
        assert "another" not in looked.stderr
        told = elsewhere.dockerflow("rerun", pathspec(past)).stdout
    assert "all identical (8 artifacts)\nimages: all the same\n" in told
    first, second = newest(past.store), newest(elsewhere.store)
    assert second.started is not None
    assert second.started.reproduces == pathspec(past).partition("/")[2]
    assert digests(first) == digests(second)
    assert all(step.transform == first.steps[name].transform for name, step in second.steps.items())
    assert len(set(digests(first).values())) == 2
    for config_digest, _ in digests(first).values():
        assert elsewhere.engine.client.images.get(config_digest)
    told = elsewhere.dockerflow("rerun", pathspec(past)).stdout  # they are there now
    assert "built nothing" in told


def test_a_base_that_is_gone_or_another_now_stops_the_run(
    past: Machine, elsewhere: Machine, base_archive: Path
) -> None:
    elsewhere = replace(elsewhere, cache=past.cache)  # of packages: there is another test
    said = elsewhere.dockerflow("rerun", pathspec(past), code=5).stderr
    assert f"the base image `{BASE_IMAGE}` is not on the engine and cannot be pulled" in said
    bring(elsewhere.engine, base_archive)
    was, now = _with_another_base(elsewhere.engine)
    said = elsewhere.dockerflow("rerun", pathspec(past), code=5).stderr
    assert "cannot be made again as it was: the base image" in said
    assert f"the base image `{BASE_IMAGE}` is {now} now, and was {was}" in said
    assert "`--allow-rebuilt` goes on with an image of today" in said
    assert len(runs.run_ids(elsewhere.store, "Past")) == 1
    words = ("dump", f"{pathspec(past)}/each", "--in-image", "--include", "square")
    shown = elsewhere.dockerflow(*words)  # to look at values it will do
    assert "square" in shown.stdout
    assert shown.stderr == (
        f"note: the image of step `{pathspec(past)}/each` is gone, and the one that is taken for it is another: "
        f"the base image `{BASE_IMAGE}` is {now} now, and was {was}\n"
    )
    told = elsewhere.dockerflow("rerun", pathspec(past), "--allow-rebuilt", "--json", "report.json").stdout
    assert f"is another than that of run `{pathspec(past)}`: the base image `{BASE_IMAGE}` is {now} now" in told
    assert "all identical" in told
    report = json.loads((elsewhere.folder / "report.json").read_text())
    assert [image["identical"] for image in report["images"]] == [False] * 4
    assert {step.base_digest for step in newest(elsewhere.store).steps.values()} == {now}


def _with_another_base(engine: Engine) -> tuple[str, str]:
    """Give the base's name to another image; the IDs of both."""
    was = engine.client.images.get(BASE_IMAGE)
    container = engine.client.containers.create(BASE_IMAGE, ["/bin/true"])
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("another"), io.BytesIO())
    container.put_archive("/", archive.getvalue())
    name, _, tag = BASE_IMAGE.partition(":")
    now = container.commit(name, tag)
    container.remove()
    # As after a pull of the name elsewhere, the old one is not there.
    for image in (now, was):
        assert image.id is not None
    saved = b"".join(now.save(named=True))
    prune(engine)
    engine.client.images.load(saved)
    return str(was.id), str(now.id)


def test_a_package_that_is_nowhere_stops_the_run_and_can_be_replaced(
    past: Machine, elsewhere: Machine, base_archive: Path
) -> None:
    bring(elsewhere.engine, base_archive)
    (gone,) = elsewhere.channel.glob("*/packaging-24.1-*.conda")
    gone.unlink()
    LocalChannel(elsewhere.channel).index()
    with hidden(past):
        said = elsewhere.dockerflow("rerun", pathspec(past), code=5).stderr
        assert said.startswith(
            "error: the image of step `start` is gone, and 1 of its packages is in no channel and no cache any more:\n"
            f"  package `{gone.name}` could not be fetched from `{past.channel.as_uri()}/{gone.parent.name}/"
        )
        assert "`--allow-rebuilt` goes on with an image of today, and records that" in said
        looked = elsewhere.dockerflow("debug", f"{pathspec(past)}/start", code=5).stderr
        assert f"`{pathspec(past)}/start` is gone, and 1 of its packages is in no channel and no cache" in looked
        assert looked.endswith("with `channels` in the configuration, or DOCKERFLOW_CHANNELS\n")
        words = ("rerun", pathspec(past), "--allow-rebuilt", "--json", "report.json")
        told = elsewhere.dockerflow(*words, code=11).stdout
    report = json.loads((elsewhere.folder / "report.json").read_text())
    different = [name for task in report["tasks"] for name, each in task["artifacts"].items() if "second" in each]
    assert different == ["version"]
    assert {image["step"]: image["identical"] for image in report["images"]} == {
        "start": False, "each": True, "join": True, "end": True,
    }  # fmt: skip
    first, second = newest(past.store), newest(elsewhere.store)
    assert second.steps["start"].lock != first.steps["start"].lock
    assert f"image of step `start`: {second.steps['start'].config_digest} in place of" in told


def test_chance_is_the_one_difference(past: Machine, tmp_path: Path, base_archive: Path) -> None:
    bring(past.engine, base_archive)
    machine = replace(past, folder=tmp_path)
    (tmp_path / "flow.py").write_text(FLOW)
    machine.dockerflow("run", "flow.py", "--chance", "true")
    run_id = runs.run_ids(machine.store, "Past")[0]
    report = json.loads(machine.dockerflow("rerun", f"Past/{run_id}", "--json", "-", code=11).stdout)
    different = [
        (task["step"], name, each["verdict"])
        for task in report["tasks"]
        for name, each in task["artifacts"].items()
        if each["verdict"] != "identical"
    ]
    assert different == [("start", "luck", "differs")]


# ---- on the engine that all tests share


def test_a_run_in_a_bucket_is_run_again_here_and_on_another_machine(
    tmp_path: Path, docker_client, minio_bucket: Bucket, use_bucket: UseBucket, remote_host, hosts_config
) -> None:
    """Whose engine calls images by their manifests, and not by their configs."""
    use_bucket(minio_bucket)
    found = remote_host("moby v2", "tls").reaching(minio_bucket.server)
    host = replace(found, settings=replace(found.settings, name="remote"))
    hosts_config(host)
    (tmp_path / "flow.py").write_text(FLOW)
    variables, run_id = dict(os.environ), tmp_path / "id"
    command("run", "flow.py", "--run-id-file", str(run_id), cwd=tmp_path, variables=variables)
    (tmp_path / "flow.py").unlink()
    words = ("rerun", f"Past/{run_id.read_text()}")
    told = command(*words, "--from", "each", cwd=tmp_path, variables=variables).stdout
    assert "all identical (8 artifacts)\nimages: all the same\n" in told
    assert "start  1 (1 reused)  " in told
    told = command(*words, "--host", "remote", cwd=tmp_path, variables=variables).stdout
    assert "all identical (8 artifacts)\nimages: all the same\n" in told
    assert " on remote" in told


NAME = "dockerflow-test/rerun:1"

OWN = """
from dockerflow import FlowSpec, image, step

class Own(FlowSpec):
    @image("NAME")
    @step
    def start(self):
        import os
        self.colour = os.environ["COLOUR"]
"""


def test_an_image_of_ones_own_is_the_recorded_one_whatever_has_its_name(
    dockerflow,
    tmp_path,
    docker_client,
    whole,  # noqa: F811
) -> None:
    was = own_images.build(docker_client, NAME, own_images.STUBBORN)
    now = ""
    try:
        (tmp_path / "own.py").write_text(OWN.replace("NAME", NAME))
        dockerflow("run", "own.py")
        store = DirectoryStore(tmp_path / ".dockerflow")
        run = f"Own/{runs.run_ids(store, 'Own')[0]}"
        now = own_images.build(docker_client, NAME, own_images.STUBBORN.replace("green", "blue"))
        assert "all identical" in dockerflow("rerun", run).stdout
        docker_client.images.remove(was, force=True)
        said = dockerflow("rerun", run, code=5).stderr
        assert f"the image `{NAME}` of step `start` is gone: the engine has none with the ID {was}" in said
        assert "no registry is known to have it" in said
        looked = dockerflow("dump", f"{run}/start", "--in-image").stderr  # to look at values it will do
        assert f"note: the image `{NAME}` of step `{run}/start` is taken as it is now\n" in looked
        report = json.loads(dockerflow("rerun", run, "--allow-rebuilt", "--json", "-", code=11).stdout)
        assert (report["images"][0]["first"], report["images"][0]["second"]) == (was, now)
    finally:
        for each in (NAME, was, now):
            with suppress(ImageNotFound):
                docker_client.images.remove(each, force=True)


def test_an_image_that_a_registry_has_is_pulled_by_its_digest(
    dockerflow,
    tmp_path,
    docker_client,
    whole,  # noqa: F811
) -> None:
    with own_images.registry(tmp_path / "registry") as address:
        name = f"{address}/rerun:1"
        was = own_images.build(docker_client, name, own_images.STUBBORN)
        try:
            docker_client.images.push(name)
            (tmp_path / "own.py").write_text(OWN.replace("NAME", name))
            dockerflow("run", "own.py")
            docker_client.images.remove(was, force=True)
            store = DirectoryStore(tmp_path / ".dockerflow")
            told = dockerflow("rerun", f"Own/{runs.run_ids(store, 'Own')[0]}").stdout
            assert f"pulling {address}/rerun@sha256:" in told
            assert "all identical" in told
            assert newest(store, "Own").steps["start"].config_digest == was
        finally:
            for each in (name, was):
                with suppress(ImageNotFound):
                    docker_client.images.remove(each, force=True)
