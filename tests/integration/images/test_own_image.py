"""Images that steps bring along, on a real engine: found, pinned, and looked into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from dockerflow.confinement import UNPRIVILEGED
from dockerflow.engines.docker import DockerHost
from dockerflow.images import own_python
from dockerflow.images.errors import OwnImageError
from dockerflow.images.image import OwnImage, OwnPython
from dockerflow.images.own_image import OwnImages, Wanted
from dockerflow.progress import Event, ImagePulling, OwnImageReady
from tests import own_images
from tests.conftest import BASE_IMAGE
from tests.integration.engines.conftest import image as whole_image  # noqa: F401 - a fixture, made only once

PLACE = "step `start` (flow.py:4)"


@pytest.fixture(scope="session")
def whole(whole_image: str) -> str:  # noqa: F811
    """An image with a whole Python in it, made for other tests as well."""
    return whole_image


@pytest.fixture
def images(docker_client: docker.DockerClient, tmp_path: Path) -> OwnImages:
    host = DockerHost.connect()
    platform = host.platform
    host.close()
    return OwnImages(docker_client, tmp_path / "cache", platform, UNPRIVILEGED)


@pytest.fixture
def made(docker_client: docker.DockerClient) -> Iterator[Callable[[str], str]]:
    """A name for an image of this test, which is removed when it ends."""
    names: list[str] = []

    def named(word: str) -> str:
        names.append(f"dockerflow-test/{word}:own")
        return names[-1]

    yield named
    for name in names:
        docker_client.images.remove(name, force=True)


def provide(images: OwnImages, name: str, told: list[Event] | None = None) -> OwnImage:
    return images.provide(Wanted(name, ("start",), PLACE), [].append if told is None else told.append)


def refusal(images: OwnImages, name: str) -> str:
    with pytest.raises(OwnImageError) as refused:
        provide(images, name)
    assert refused.value.hint
    return refused.value.message


def test_an_image_is_fixed_to_what_the_engine_calls_it(images, whole, docker_client):
    told: list[Event] = []
    found = provide(images, whole, told)
    assert found.id == docker_client.images.get(whole).id
    assert found.id in (found.config_digest, found.manifest_digest)
    assert found.python == OwnPython("/usr/bin/python3", found.python.version)
    assert [event for event in told if isinstance(event, OwnImageReady)] == told
    assert (told[0].name, told[0].image_id, told[0].pulled) == (whole, found.id, False)


def test_what_was_found_in_an_image_is_remembered_by_its_id(images, whole, docker_client):
    found = provide(images, whole)
    (record,) = (images.cache_dir / "own-images").iterdir()
    record.write_text(record.read_text().replace("/usr/bin/python3", "/usr/bin/remembered"))
    assert provide(images, whole).python == replace(found.python, path="/usr/bin/remembered")
    record.write_text("{}")
    assert provide(images, whole).python == found.python


def test_a_digest_that_the_engine_has_is_accepted(images, whole, docker_client):
    identity = docker_client.images.get(whole).id
    assert provide(images, f"{whole}@{identity}").id == identity


def test_an_id_is_found_under_any_tag_of_its_repository_and_under_no_other(images, whole, made, docker_client):
    image = docker_client.images.get(whole)
    image.tag(made("pinned"))
    image.tag("dockerflow-test/pinned", "again")
    try:
        assert provide(images, f"dockerflow-test/pinned@{image.id}").id == image.id
        assert "cannot be pulled" in refusal(images, f"dockerflow-test/elsewhere@{image.id}")
        message = refusal(images, f"dockerflow-test/pinned@sha256:{'0' * 64}")
        assert message.endswith(f"the engine's `dockerflow-test/pinned` is {image.id}")
    finally:
        docker_client.images.remove("dockerflow-test/pinned:again")


def test_another_digest_is_refused_with_what_the_engine_has(images, whole, docker_client):
    pinned = f"{whole}@sha256:{'0' * 64}"
    message = refusal(images, pinned)
    assert message.startswith(f"{PLACE} asks for the image `{pinned}`, which is not on the engine and cannot be pulled")
    assert message.endswith(f"the engine's `{whole}` is {docker_client.images.get(whole).id}")


def test_an_image_that_is_nowhere_is_refused(images):
    message = refusal(images, "dockerflow-test/nowhere:1")
    assert f"{PLACE} asks for the image `dockerflow-test/nowhere:1`" in message


def test_an_image_of_a_registry_is_pulled_and_known_there_by_its_digest(images, whole, docker_client, tmp_path):
    with own_images.registry(tmp_path / "registry") as host:
        repository, name = f"{host}/team/tools", f"{host}/team/tools:1"
        docker_client.images.get(whole).tag(name)
        docker_client.images.push(name)
        (pinned,) = docker_client.images.get(name).attrs["RepoDigests"]
        try:
            for asked in (name, pinned, f"{name}@{pinned.partition('@')[2]}"):
                for known in (name, pinned):
                    with suppress(docker.errors.ImageNotFound):
                        docker_client.images.remove(known)
                told: list[Event] = []
                found = provide(images, asked, told)
                assert (found.name, found.repository_digest) == (asked, pinned)
                assert found.id == docker_client.images.get(whole).id
                assert told[0] == ImagePulling(("start",), asked, 0, 0)
                assert isinstance(told[-1], OwnImageReady)
                assert told[-1].pulled
                assert provide(images, asked, told).id == found.id
                assert not told[-1].pulled
            message = refusal(images, f"{repository}@sha256:{'0' * 64}")
            assert "cannot be pulled" in message
            assert "manifest unknown" in message
        finally:
            for known in (name, pinned):
                with suppress(docker.errors.ImageNotFound):
                    docker_client.images.remove(known)


def test_an_image_without_a_python_is_refused_with_where_one_was_looked_for(images):
    message = refusal(images, BASE_IMAGE)
    assert message.startswith(f"{PLACE} asks for the image `{BASE_IMAGE}`, in which there is no Python: looked for")
    assert "`python3`" in message


def test_a_python_that_is_too_old_is_refused_with_its_version(images, made, docker_client):
    name = made("old")
    own_images.old(docker_client, name)
    assert "`python3` is Python 3.6.9" in refusal(images, name)


def test_a_python_without_its_library_is_refused_with_what_it_lacks(images, made, whole, docker_client):
    name = made("partial")
    own_images.build(docker_client, name, own_images.PARTIAL)
    assert "`python3` lacks modules of the standard library: tarfile" in refusal(images, name)


def test_an_image_for_another_processor_is_refused(images, made, docker_client):
    name = made("arm")
    own_images.of_another_processor(docker_client, name)
    message = refusal(images, name)
    assert "which is for linux on arm64; the engine runs linux on amd64" in message


def test_entry_point_user_and_folders_of_an_image_do_not_matter(images, made, whole, docker_client):
    name = made("stubborn")
    own_images.build(docker_client, name, own_images.STUBBORN)
    found = provide(images, name)
    assert found.python.path == "/usr/local/bin/python3"
    assert found.python.closed == ("/tmp", "/work")


def test_nothing_is_left_on_the_engine(images, whole, docker_client):
    provide(images, whole)
    left = docker_client.containers.list(all=True, filters={"label": own_python.LABEL})
    assert [one for one in left if one.labels[own_python.LABEL] == docker_client.images.get(whole).id] == []
