"""What the URL of a host says, and what is no URL of one."""

from __future__ import annotations

import copy
import pickle

import pytest

from dockerflow.engines.address import Address, SshPlace, called, check_url, is_elsewhere, ssh_place
from dockerflow.engines.errors import EngineError

PLACES = {
    "ssh://gpu-box": SshPlace("gpu-box"),
    "ssh://Gpu_Box/": SshPlace("Gpu_Box"),
    "ssh://ann@gpu-box:2222": SshPlace("gpu-box", "ann", 2222),
    "ssh://gpu-box/run/user/1000/docker.sock": SshPlace("gpu-box", socket="/run/user/1000/docker.sock"),
    "ssh://ann@[2001:db8::1]:22/x.sock": SshPlace("2001:db8::1", "ann", 22, "/x.sock"),
}


@pytest.mark.parametrize("url", PLACES)
def test_an_ssh_url_says_where_a_socket_is(url: str) -> None:
    assert ssh_place(url, "gpu-box") == PLACES[url]


def test_what_is_not_said_is_left_to_the_settings_of_ssh() -> None:
    """A `Host` entry may have another name, a user, a port and a jump."""
    assert SshPlace("gpu-box").arguments == ["--", "gpu-box"]
    assert SshPlace("gpu-box", "ann", 2222).arguments == ["-p", "2222", "-l", "ann", "--", "gpu-box"]


NO_SENSE = [
    "ssh://",
    "ssh://-oProxyCommand=x",
    "ssh://a b",
    "ssh://$(x)",
    "ssh://-l@host",
    "ssh://host:port",
    "ssh://ann:password@host",
    "ssh://host/a:b",
    "ssh://host/a%h",
    "tcp://host",
    "tcp://:2376",
    "tcp://host:99999",
    "tcp://host:1/path",
    "unix://relative",
    "unix://",
    "context://",
    "host",
    "http://host:1",
    "",
]


@pytest.mark.parametrize("url", NO_SENSE)
def test_a_url_that_makes_no_sense_is_refused_with_what_was_expected(url: str) -> None:
    with pytest.raises(EngineError) as caught:
        check_url(url, "gpu-box")
    assert f"the URL of host `gpu-box` is `{url}`, and" in caught.value.message
    assert "dockerflow hosts add gpu-box" in (caught.value.hint or "")


@pytest.mark.parametrize("url", [*PLACES, "tcp://host:2376", "tcp://[::1]:1", "unix:///x.sock", "context://far"])
def test_other_urls_are_those_of_hosts(url: str) -> None:
    check_url(url, "gpu-box")


def test_an_engine_is_elsewhere_unless_its_address_is_of_this_machine() -> None:
    assert is_elsewhere("ssh://localhost")
    assert is_elsewhere("tcp://gpu-box:2376")
    for ours in ("unix:///var/run/docker.sock", "tcp://localhost:2375", "tcp://127.0.0.1:1", "tcp://[::1]:1"):
        assert not is_elsewhere(ours)


def test_a_message_calls_a_host_by_its_name_and_another_engine_by_its_address() -> None:
    assert called(Address("ssh://ann@10.0.0.7", "gpu-box")) == "host `gpu-box`"
    assert called(copy.deepcopy(Address("ssh://x", "gpu-box"))) == "host `gpu-box`"
    assert pickle.loads(pickle.dumps(Address("ssh://x", "gpu-box"))) == "ssh://x"
    assert called("unix:///x.sock") == "the engine at `unix:///x.sock`"
