"""Names of repositories, as people write them for docker."""

from __future__ import annotations

import pytest

from dockerflow.images.errors import RegistryError
from dockerflow.images.repository import Repository


@pytest.mark.parametrize(
    ("text", "host", "name", "tag"),
    [
        ("registry.example/team/model", "registry.example", "team/model", ""),
        ("registry.example:5000/team/model:v1", "registry.example:5000", "team/model", "v1"),
        ("localhost/model:2024.1", "localhost", "model", "2024.1"),
        ("127.0.0.1:5000/a-b/c__d", "127.0.0.1:5000", "a-b/c__d", ""),
        ("[::1]:5000/model:v1", "[::1]:5000", "model", "v1"),
    ],
)
def test_host_path_and_tag_are_told_apart(text, host, name, tag):
    assert Repository.parse(text) == Repository(host, name, tag)


@pytest.mark.parametrize(
    "text", ["", ":v1", "host.example/", "host.example/Team/x", "host.example/x:", "host.example/x@sha256:00", "a b/c"]
)
def test_what_names_no_repository_is_refused(text):
    with pytest.raises(RegistryError, match="is not the name of a repository"):
        Repository.parse(text)


@pytest.mark.parametrize("text", ["127.0.0.1:5000", "localhost:5000", "host.example:5000", "[::1]:5000"])
def test_a_registry_without_a_repository_is_not_taken_for_a_name_with_a_tag(text):
    with pytest.raises(RegistryError, match="is a registry without a repository in it") as refused:
        Repository.parse(text)
    assert refused.value.hint == f"write it like `{text}/team/name`"


def test_a_name_whose_tag_is_a_number_is_no_registry():
    assert Repository.parse("model:5000") == Repository(Repository.parse("model").host, "library/model", "5000")


def test_without_a_host_it_is_the_engines_default_registry():
    alone, team = Repository.parse("model"), Repository.parse("team/model:v1")
    assert (alone.host, alone.name, team.name) == (team.host, "library/model", "team/model")
    assert alone.address != alone.host


@pytest.mark.parametrize("host", ["localhost", "localhost:5000", "127.0.0.1", "127.9.9.9:80", "[::1]:5000"])
def test_only_this_machine_is_loopback(host):
    assert Repository(host, "x").is_loopback
    assert not Repository("10.0.0.1:5000", "x").is_loopback
    assert not Repository("localhost.example", "x").is_loopback
