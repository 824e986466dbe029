"""`dockerflow images …` with a real engine, a real registry and skopeo, on images that no other test has."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient

from dockerflow.environments.lock import Lock
from dockerflow.environments.solver import solve
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.images import build_record
from dockerflow.images.image import StepImage
from dockerflow.images.provide import ImageProvider
from dockerflow.setup.channel import LocalChannel
from dockerflow.store import runs
from dockerflow.store.directory import DirectoryStore
from tests.channel import PYTHON
from tests.conftest import BASE_IMAGE
from tests.containers import printed
from tests.engines.programs import debian
from tests.registries import PROGRAMS, registry
from tests.unit.images.known import write_run
from tests.unit.images.made import File, Made, locked

LONG_AGO = 1_600_000_000.0


@dataclass(frozen=True)
class Project:
    """A folder with a cache, and a store with a run that used an image which the engine has."""

    folder: Path
    image: StepImage
    lock: Lock

    @property
    def cache(self) -> Path:
        return self.folder / "cache"

    @property
    def store(self) -> DirectoryStore:
        return DirectoryStore(self.folder / ".dockerflow")

    @property
    def hex(self) -> str:
        return self.image.reference.rpartition(":")[2]

    def images(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [Path(sys.executable).with_name("dockerflow"), "images", *words],
            cwd=self.folder,
            env={**os.environ, "DOCKERFLOW_CACHE_DIR": str(self.cache)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def json(self, *words: str) -> Any:
        return json.loads(self.images(*words, "--json").stdout)

    def forget_layers(self) -> None:
        shutil.rmtree(self.cache / "layers")

    def age(self) -> None:
        """Let all of the cache be as if nobody had used it for long."""
        for path in self.cache.rglob("*"):
            os.utime(path, (LONG_AGO, LONG_AGO))


@pytest.fixture
def project(tmp_path: Path, docker_client: DockerClient, test_channel: LocalChannel) -> Iterator[Project]:
    made = Made("ours", {"share/ours": File(uuid.uuid4().bytes)})
    own = locked(made, made.write(tmp_path / "channel"))
    solved = solve(EnvironmentSpec(PYTHON, (), (test_channel.url,), "linux-64"))
    lock = Lock(solved.platform, (*solved.packages, own), ("ours",), solved.channels, solved.spec_hash)
    image = ImageProvider(docker_client, BASE_IMAGE, tmp_path / "cache").provide(lock)
    write_run(DirectoryStore(tmp_path / ".dockerflow"), "Films", {"start": (image, lock)}, LONG_AGO)
    yield Project(tmp_path, image, lock)
    for found in docker_client.images.list(filters={"label": f"dockerflow.lock={lock.lock_hash}"}):
        docker_client.images.remove(str(found.id), force=True)


def test_an_image_is_listed_and_shown_with_what_engine_cache_and_store_know(project: Project) -> None:
    (listed,) = [one for one in project.json("list") if one["reference"] == project.image.reference]
    assert listed["on_engine"] is True
    assert listed["config_digest"] == project.image.config_digest
    assert [one["name"] for one in listed["requested"]] == ["ours"]
    assert listed["used_by"] == [f"Films/{runs.run_ids(project.store, 'Films')[0]}/start"]
    shown = project.json("show", project.hex)
    assert [layer["diff_id"] for layer in shown["layers"]] == [layer.diff_id for layer in project.image.layers]
    assert shown["base"]["name"] == BASE_IMAGE
    assert shown["engine"]["names"] == [project.image.reference]


def test_an_image_that_the_engine_alone_has_is_shown_as_far_as_it_tells(project: Project) -> None:
    shutil.rmtree(project.cache)
    shutil.rmtree(project.store.root)
    shown = project.json("show", project.hex)
    assert [layer["title"] for layer in shown["layers"]] == [layer.title for layer in project.image.layers]
    assert (shown["packages"], shown["last_used"]) == ([], None)


def test_skopeo_finds_our_digest_in_an_export_and_the_engine_takes_it(
    project: Project, docker_client: DockerClient
) -> None:
    debian(PROGRAMS)
    project.images("export", project.hex, "-o", "image.tar")
    inspected = subprocess.run(
        ["skopeo", "inspect", f"oci-archive:{project.folder / 'image.tar'}"], capture_output=True, check=True
    )
    assert json.loads(inspected.stdout)["Digest"] == project.image.manifest_digest
    docker_client.images.remove(project.image.reference, force=True)
    with (project.folder / "image.tar").open("rb") as archive:
        (loaded,) = docker_client.images.load(archive)  # type: ignore[arg-type]
    assert loaded.id == project.image.config_digest
    assert loaded.tags == [project.image.reference]


@pytest.mark.parametrize("lost", ["layers", "cache", "cache and engine"])
def test_an_export_is_the_same_bytes_whoever_must_give_the_layers(
    project: Project, docker_client: DockerClient, lost: str
) -> None:
    project.images("export", project.hex, "-o", "whole.tar")
    shutil.rmtree(project.cache / "layers" if lost == "layers" else project.cache)
    if lost == "cache and engine":
        docker_client.images.remove(project.image.reference, force=True)
    project.images("export", project.hex, "-o", "again.tar")
    same = subprocess.run(["cmp", "whole.tar", "again.tar"], cwd=project.folder, capture_output=True, check=False)
    assert same.returncode == 0, same.stdout


def test_an_image_is_pulled_by_the_digest_that_runs_record_and_runs(
    project: Project, docker_client: DockerClient, tmp_path: Path
) -> None:
    with registry(tmp_path / "registry") as address:
        done = project.images("push", project.hex, f"{address}/team/films:v1")
        name = f"{address}/team/films@{project.image.manifest_digest}"
        assert done.stdout == f"{name}\n"
        assert project.json("show", project.hex)["repository_digests"] == [name]
        docker_client.images.remove(project.image.reference, force=True)
        try:
            pulled = docker_client.images.pull(name)
            assert pulled.id == project.image.config_digest
            assert printed(docker_client, name, ["python", "-c", "print(6 * 7)"]) == "42\n"
        finally:
            docker_client.images.remove(name, force=True)


# ---- prune. Every limit here is above the age of what other tests use at the same time: see `unknown`.


def pruned(project: Project, *words: str) -> Any:
    return project.json("prune", "--older-than", "52w", *words)


def test_what_was_used_lately_stays(project: Project) -> None:
    told = pruned(project, "--yes")
    assert (told["images"], told["files"]) == ([], 0)


def test_a_dry_run_tells_all_and_removes_nothing(project: Project, docker_client: DockerClient) -> None:
    project.age()
    told = pruned(project)
    assert told["removed"] is False
    assert [one["reference"] for one in told["images"]] == [project.image.reference]
    assert told["cache_bytes"] > sum(layer.size for layer in project.image.layers)
    assert all(layer.path.exists() for layer in project.image.layers)
    assert docker_client.images.get(project.image.reference)
    words = project.images("prune", "--older-than", "52w")
    assert "to remove: 1 step image" in words.stdout
    assert words.stderr == "note: nothing was removed; say `--yes` to remove it\n"
    assert docker_client.images.get(project.image.reference)


def test_what_was_not_used_for_long_goes_from_engine_and_cache(project: Project, docker_client: DockerClient) -> None:
    project.age()
    told = pruned(project, "--yes")
    assert told["removed"] is True
    assert [one["reference"] for one in told["images"]] == [project.image.reference]
    assert docker_client.images.list(project.image.reference) == []
    assert not any(layer.path.exists() for layer in project.image.layers)
    assert list(build_record.all_records(project.cache)) == []
    assert pruned(project)["images"] == []
    assert ImageProvider(docker_client, BASE_IMAGE, project.cache).provide(project.lock) == project.image


def test_what_a_container_uses_stays(project: Project, docker_client: DockerClient) -> None:
    project.age()
    container = docker_client.containers.create(project.image.reference, ["true"])
    try:
        told = pruned(project, "--yes")
        kept = {one["reference"]: one["why"] for one in told["kept"]}
        assert kept[project.image.reference] == f"the container `{container.name}` uses it"
        assert told["images"] == []
        assert all(layer.path.exists() for layer in project.image.layers)
    finally:
        container.remove()


def test_what_a_run_that_goes_on_uses_stays(project: Project) -> None:
    project.age()
    with runs.hold(project.store, "Films", runs.run_ids(project.store, "Films")[0]):
        told = pruned(project, "--yes")
    assert {"reference": project.image.reference, "why": "a run that goes on uses it"} in told["kept"]


def test_what_a_run_used_since_stays_though_the_cache_forgot(project: Project) -> None:
    project.age()
    write_run(project.store, "Films", {"start": (project.image, project.lock)}, time.time())
    assert pruned(project, "--yes")["images"] == []


def test_what_somebody_gave_another_name_stays(project: Project, docker_client: DockerClient) -> None:
    project.age()
    docker_client.api.tag(project.image.reference, f"dockerflow-test/{project.hex}", "mine")
    told = pruned(project, "--yes")
    kept = {one["reference"]: one["why"] for one in told["kept"]}
    assert kept[project.image.reference] == f"it is also named `dockerflow-test/{project.hex}:mine`"


def test_what_others_built_on_this_engine_stays(project: Project, docker_client: DockerClient) -> None:
    shutil.rmtree(project.cache)
    shutil.rmtree(project.store.root)
    told = pruned(project, "--yes")
    kept = {one["reference"]: one["why"] for one in told["kept"]}
    assert kept[project.image.reference] == "neither this cache nor this store knows it"
    assert docker_client.images.get(project.image.reference)
