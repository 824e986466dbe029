"""docker's contexts, read from the files that docker writes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from dockerflow.engines import contexts
from dockerflow.engines.errors import EngineError
from dockerflow.host_settings import HostSettings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    return tmp_path


def write(folder: Path, name: str, endpoint: object, *certificates: str) -> None:
    key = hashlib.sha256(name.encode()).hexdigest()
    meta, tls = folder / "contexts" / "meta" / key, folder / "contexts" / "tls" / key / "docker"
    meta.mkdir(parents=True)
    tls.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}))
    for each in certificates:
        (tls / each).touch()


def test_a_context_is_a_host_by_its_name(folder: Path) -> None:
    """Also where docker has no `config.json`, which it writes when another context is chosen."""
    write(folder, "far", {"Host": "ssh://gpu-box"})
    assert contexts.is_context("far")
    assert contexts.host("far") == HostSettings("far", "context://far", source="docker context `far`")
    found = contexts.named("far")
    assert (found.url, found.tls) == ("ssh://gpu-box", None)


def test_a_context_says_how_one_proves_who_one_is(folder: Path) -> None:
    write(folder, "far", {"Host": "tcp://gpu-box:2376"}, "ca.pem", "cert.pem", "key.pem")
    tls = contexts.named("far").tls
    assert tls is not None
    assert tls.verify is True
    assert Path(str(tls.ca_cert)).name == "ca.pem"
    assert [Path(each).name for each in tls.cert or ()] == ["cert.pem", "key.pem"]


def test_a_context_may_trust_whoever_answers(folder: Path) -> None:
    write(folder, "far", {"Host": "tcp://gpu-box:2376", "SkipTLSVerify": True})
    tls = contexts.named("far").tls
    assert tls is not None
    assert tls.verify is False


def test_a_context_that_is_not_there_is_named(folder: Path) -> None:
    assert not contexts.is_context("near")
    with pytest.raises(EngineError, match="no docker context `near`") as caught:
        contexts.named("near")
    assert "docker context ls" in (caught.value.hint or "")


def test_a_context_without_an_engine_is_named(folder: Path) -> None:
    write(folder, "far", {})
    with pytest.raises(EngineError, match="`far` has no address"):
        contexts.named("far")


@pytest.mark.parametrize("text", ["{", "[]", "\0"])
def test_a_file_that_docker_did_not_write_is_named(folder: Path, text: str) -> None:
    write(folder, "far", {})
    file = next(folder.rglob("meta.json"))
    file.write_text(text)
    with pytest.raises(EngineError) as caught:
        contexts.named("far")
    assert str(file) in caught.value.message


def test_the_current_context_is_the_one_that_docker_uses(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert contexts.current() is None
    write(folder, "far", {"Host": "ssh://far"})
    write(folder, "near", {"Host": "ssh://near"})
    (folder / "config.json").write_text(json.dumps({"currentContext": "far"}))
    assert contexts.current() == contexts.named("far")
    monkeypatch.setenv("DOCKER_CONTEXT", "near")
    assert contexts.current() == contexts.named("near")
    monkeypatch.setenv("DOCKER_CONTEXT", "default")
    assert contexts.current() is None


def test_the_default_context_is_the_engine_of_this_machine() -> None:
    assert contexts.is_context("default")
    assert contexts.named("default").url == "unix:///var/run/docker.sock"
