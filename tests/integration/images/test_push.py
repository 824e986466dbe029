"""Images go to real registries under our own manifest, whoever asks for what on the way."""

from __future__ import annotations

import json
import subprocess
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import suppress
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dockerflow.images import pushed
from dockerflow.images.errors import RegistryError
from dockerflow.images.image import Layer, StepImage
from dockerflow.images.layer_cache import is_complete
from dockerflow.images.oci import MANIFEST_TYPE
from dockerflow.images.push import Pushed, Target, push
from dockerflow.images.repository import Repository
from dockerflow.progress import Event, ImagePushing
from tests.registries import BASIC, PASSWORD, USER, door, registry
from tests.unit.images.known import big_lock, built, small_lock


@pytest.fixture(scope="module")
def open_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with registry(tmp_path_factory.mktemp("open")) as address:
        yield address


@pytest.fixture(scope="module")
def with_password(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with registry(tmp_path_factory.mktemp("password"), password=True) as address:
        yield address


@pytest.fixture
def image(tmp_path: Path) -> StepImage:
    return built(tmp_path, big_lock(tmp_path))


@pytest.fixture(autouse=True)
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nobody is logged in anywhere."""
    folder = tmp_path / "docker"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder / "config.json"


def log_in(docker_config: Path, address: str) -> None:
    docker_config.write_text(json.dumps({"auths": {address: {"auth": BASIC.removeprefix("Basic ")}}}))


def sent(cache: Path, image: StepImage, place: str, **options: bool) -> Pushed:
    def restore(wanted: Sequence[Layer]) -> None:
        assert all(map(is_complete, wanted))

    events: list[Event] = []
    done = push(cache, image, Target(Repository.parse(place), **options), restore, events.append)
    last = events[-1]
    assert isinstance(last, ImagePushing)
    assert (last.done, last.sent) == (last.total, done.bytes_sent)
    return done


def manifest_at(address: str, name: str, tag: str) -> tuple[bytes, str]:
    request = urllib.request.Request(f"http://{address}/v2/{name}/manifests/{tag}", headers={"Accept": MANIFEST_TYPE})
    with urllib.request.urlopen(request) as answer:
        return answer.read(), answer.headers["Docker-Content-Digest"]


def test_the_registry_has_our_manifest_under_our_digest(tmp_path: Path, image: StepImage, open_registry: str) -> None:
    done = sent(tmp_path, image, f"{open_registry}/team/first:v1")
    assert done.name == f"{open_registry}/team/first@{image.manifest_digest}"
    assert manifest_at(open_registry, "team/first", "v1") == (image.manifest, image.manifest_digest)
    assert done.layers_sent == len(image.layers)


def test_without_a_tag_it_gets_that_of_its_reference(tmp_path: Path, image: StepImage, open_registry: str) -> None:
    done = sent(tmp_path, image, f"{open_registry}/team/untagged")
    tag = image.reference.rpartition(":")[2]
    assert done.tagged == f"{open_registry}/team/untagged:{tag}"
    assert manifest_at(open_registry, "team/untagged", tag)[1] == image.manifest_digest


def test_a_second_push_sends_no_layer(tmp_path: Path, image: StepImage, open_registry: str) -> None:
    sent(tmp_path, image, f"{open_registry}/team/twice")
    again = sent(tmp_path, image, f"{open_registry}/team/twice:v2")
    assert (again.layers_sent, again.bytes_sent) == (0, 0)


def test_layers_that_another_repository_of_the_registry_has_are_taken_from_there(
    tmp_path: Path, image: StepImage, open_registry: str
) -> None:
    sent(tmp_path, image, f"{open_registry}/team/one")
    small = built(tmp_path, small_lock(tmp_path))
    shared = {layer.diff_id for layer in small.layers} & {layer.diff_id for layer in image.layers}
    done = sent(tmp_path, small, f"{open_registry}/other/place")
    assert (done.layers_mounted, done.layers_sent) == (len(shared), len(small.layers) - len(shared))


def test_where_an_image_was_pushed_is_remembered(tmp_path: Path, image: StepImage, open_registry: str) -> None:
    assert pushed.repository_digests(tmp_path, image.manifest_digest) == ()
    names = [sent(tmp_path, image, f"{open_registry}/team/{name}").name for name in ("b", "a")]
    assert pushed.repository_digests(tmp_path, image.manifest_digest) == tuple(sorted(names))


def test_a_damaged_layer_does_not_reach_the_registry_and_is_restored(
    tmp_path: Path, image: StepImage, open_registry: str
) -> None:
    damaged = image.layers[2]
    whole = damaged.path.read_bytes()
    damaged.path.chmod(0o644)
    damaged.path.write_bytes(bytes(len(whole)))
    restored = []

    def restore(wanted: Sequence[Layer]) -> None:
        for layer in wanted:
            if not is_complete(layer):
                layer.path.write_bytes(whole)
                restored.append(layer)

    push(tmp_path, image, Target(Repository.parse(f"{open_registry}/team/mended")), restore)
    assert restored == [damaged]
    tag = image.reference.rpartition(":")[2]
    assert manifest_at(open_registry, "team/mended", tag)[1] == image.manifest_digest


# ---- who may


def test_who_is_logged_in_with_docker_may_push(
    tmp_path: Path, image: StepImage, with_password: str, docker_config: Path
) -> None:
    log_in(docker_config, with_password)
    assert sent(tmp_path, image, f"{with_password}/team/model").layers_sent == len(image.layers)


def test_a_credential_helper_is_asked(
    tmp_path: Path, image: StepImage, with_password: str, docker_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = tmp_path / "bin" / "docker-credential-tests"
    helper.parent.mkdir()
    helper.write_text(f"#!/bin/sh\necho '{json.dumps({'Username': USER, 'Secret': PASSWORD})}'\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(helper.parent), prepend=":")
    docker_config.write_text(json.dumps({"credHelpers": {with_password: "tests"}}))
    assert sent(tmp_path, image, f"{with_password}/team/helped").name


def test_who_is_not_logged_in_is_told_to(tmp_path: Path, image: StepImage, with_password: str) -> None:
    with pytest.raises(RegistryError, match="does not let a user that is not logged in push") as refused:
        sent(tmp_path, image, f"{with_password}/team/model")
    assert refused.value.hint == f"log in as one who may with `docker login {with_password}`"


def test_a_wrong_password_is_not_shown(
    tmp_path: Path, image: StepImage, with_password: str, docker_config: Path
) -> None:
    docker_config.write_text(json.dumps({"auths": {with_password: {"auth": "YWRhOm5vdC1pdA=="}}}))
    with pytest.raises(RegistryError, match="does not let `ada` push") as refused:
        sent(tmp_path, image, f"{with_password}/team/model")
    assert "not-it" not in str(refused.value)
    assert "YWRhOm5vdC1pdA" not in str(refused.value)


def test_a_helper_that_is_not_there_is_named(
    tmp_path: Path, image: StepImage, with_password: str, docker_config: Path
) -> None:
    docker_config.write_text(json.dumps({"credsStore": "nowhere"}))
    with pytest.raises(RegistryError, match="docker-credential-nowhere"):
        sent(tmp_path, image, f"{with_password}/team/model")


def test_a_registry_that_wants_tokens_gets_them_for_this_repository(
    tmp_path: Path, image: StepImage, open_registry: str, docker_config: Path
) -> None:
    with door(open_registry) as guarded:
        log_in(docker_config, guarded.address)
        sent(tmp_path, image, f"{guarded.address}/team/tokens:v1")
        assert all("repository%3Ateam%2Ftokens%3Apull%2Cpush" in scope for scope in guarded.scopes)
    assert manifest_at(open_registry, "team/tokens", "v1")[1] == image.manifest_digest


def test_a_token_that_runs_out_in_the_middle_is_asked_for_anew(
    tmp_path: Path, image: StepImage, open_registry: str, docker_config: Path
) -> None:
    with door(open_registry, uses=5) as guarded:
        log_in(docker_config, guarded.address)
        sent(tmp_path, image, f"{guarded.address}/team/short:v1")
        assert len(guarded.scopes) > 2
    assert manifest_at(open_registry, "team/short", "v1")[1] == image.manifest_digest


def test_who_gets_no_token_is_told_to_log_in(tmp_path: Path, image: StepImage, open_registry: str) -> None:
    with door(open_registry) as guarded, pytest.raises(RegistryError, match="not logged in"):
        sent(tmp_path, image, f"{guarded.address}/team/model")


# ---- what can be wrong with a registry


def test_a_registry_that_is_read_only_is_said_to_be(tmp_path: Path, image: StepImage) -> None:
    with registry(tmp_path / "registry", read_only=True) as address, pytest.raises(RegistryError) as refused:
        sent(tmp_path, image, f"{address}/team/model")
    assert "takes nothing" in refused.value.message
    assert "read-only" in str(refused.value.hint)


@pytest.mark.parametrize("full_before", [True, False])
def test_a_registry_whose_disk_is_full_is_said_to_be(tmp_path: Path, image: StepImage, full_before: bool) -> None:
    data = tmp_path / "registry" / "data"
    data.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", data], check=True)
    try:
        with registry(tmp_path / "registry") as address:
            if full_before:
                with suppress(OSError):
                    (data / "filling").write_bytes(bytes(1 << 20))
            with pytest.raises(RegistryError, match="no space left on the disk of the registry"):
                sent(tmp_path, image, f"{address}/team/model")
    finally:
        subprocess.run(["umount", data], check=True)


def test_a_certificate_that_is_not_trusted_ends_the_push_and_one_that_is_does_not(
    tmp_path: Path, image: StepImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with registry(tmp_path / "registry", tls=True) as address:
        with pytest.raises(RegistryError, match="cannot be trusted: self-signed certificate") as refused:
            sent(tmp_path, image, f"{address}/team/model")
        assert "REQUESTS_CA_BUNDLE" in str(refused.value.hint)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "registry" / "cert.pem"))
        assert sent(tmp_path, image, f"{address}/team/model").layers_sent == len(image.layers)


def test_hosts_that_are_not_there_are_told_as_such(tmp_path: Path, image: StepImage) -> None:
    for place, reason in (("127.0.0.1:1/x", "Connection refused"), ("nowhere.invalid/x", "no host of this name")):
        with pytest.raises(RegistryError, match=reason):
            sent(tmp_path, image, place)


def test_what_answers_but_is_no_registry_is_told(tmp_path: Path, image: StepImage) -> None:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(RegistryError, match="there is no registry at"):
            sent(tmp_path, image, f"127.0.0.1:{server.server_port}/team/model")
        server.shutdown()
