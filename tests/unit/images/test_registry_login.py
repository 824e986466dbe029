"""Credentials go to the registry that asks for them, and to no other host."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from dockerflow.images.registry_login import Login
from dockerflow.images.repository import Repository

REGISTRY = "registry.example:5000"


@pytest.fixture
def login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Login:
    """Of who is logged in everywhere."""
    auths = {host: {"auth": "YWRhOmEgc2VjcmV0"} for host in (REGISTRY, "storage.example")}
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return Login(Repository.parse(f"{REGISTRY}/team/model"), requests.Session())


def refused(url: str) -> requests.Response:
    answer = requests.Response()
    answer.status_code, answer.url = 401, url
    answer.headers["WWW-Authenticate"] = 'Basic realm="somewhere"'
    answer.request = requests.Request("GET", url).prepare()
    return answer


def sent_to(login: Login, url: str) -> bool:
    return "Authorization" in requests.Request("PUT", url, auth=login).prepare().headers


def test_the_registry_gets_what_it_asked_for(login: Login) -> None:
    assert not sent_to(login, f"https://{REGISTRY}/v2/")
    assert login.answer(refused(f"https://{REGISTRY}/v2/"))
    assert sent_to(login, f"https://{REGISTRY}/v2/team/model/blobs/uploads/1")


@pytest.mark.parametrize(
    "elsewhere",
    [
        f"http://{REGISTRY}/v2/team/model/blobs/uploads/1",
        "https://registry.example/v2/team/model/blobs/uploads/1",
        "https://storage.example/upload/1",
        f"https://storage.example/{REGISTRY}",
    ],
)
def test_no_other_place_that_a_registry_names_gets_it(login: Login, elsewhere: str) -> None:
    login.answer(refused(f"https://{REGISTRY}/v2/"))
    assert not sent_to(login, elsewhere)
    assert not login.answer(refused(elsewhere))
    assert not sent_to(login, elsewhere)


def test_one_that_speaks_no_tls_gets_it_as_the_user_wanted(login: Login) -> None:
    assert login.answer(refused(f"http://{REGISTRY}/v2/"))
    assert sent_to(login, f"http://{REGISTRY}/v2/team/model/blobs/uploads/1")
    assert sent_to(login, f"https://{REGISTRY}/v2/team/model/blobs/uploads/1")
