"""The way to a remote host: one connection, noticed when it dies, made again, and gone with its process."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from dockerflow.attached import STDOUT, Attached, Demultiplexer
from dockerflow.engines import contexts
from dockerflow.engines.docker import DockerHost
from dockerflow.engines.errors import EngineError, HostNotReached
from dockerflow.engines.watch import Away, Back, GivenUp, HostState
from dockerflow.host_settings import HostSettings
from tests.conftest import BASE_IMAGE
from tests.engines.daemons import KINDS
from tests.hosts.fixtures import How, RemoteHost, RemoteHosts
from tests.hosts.keys import tls_keys

# How long a test waits for what must come, in seconds.
LIMIT = 120.0

CALLS = 100
STREAMS = 40

WAYS: list[tuple[str, How]] = [("docker 20.10", "ssh"), ("docker 20.10", "tls"), ("moby v2", "tls"), ("podman", "ssh")]


class Heard:
    """What a host's watch tells."""

    def __init__(self, host: DockerHost) -> None:
        self._told: queue.SimpleQueue[HostState] = queue.SimpleQueue()
        host.when_away(self._told.put)

    def next(self) -> HostState:
        return self._told.get(timeout=LIMIT)


@pytest.fixture
def streams() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def attached(host: DockerHost, streams: ExitStack) -> Attached:
    """To the streams of a container that says what it is told."""
    api = host.client.api
    options = api.create_host_config(network_mode="none", init=True)
    made = api.create_container(BASE_IMAGE, "cat", stdin_open=True, host_config=options)["Id"]
    found = Attached(host.client, made)
    streams.callback(found.close)
    api.start(made)
    return found


def says(stream: Attached, words: bytes) -> bytes:
    """What comes back of these words."""
    stream.send(words)
    heard, demultiplexer = b"", Demultiplexer()
    while len(heard) < len(words) and (received := stream.receive()):
        heard += b"".join(part for number, part in demultiplexer.feed(received) if number == STDOUT)
    return heard


def connections_to(address: str, port: int) -> int:
    """How many TCP connections this machine has to it."""
    number = bytes(reversed([int(part) for part in address.split(".")])).hex().upper()
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(line.split()[2:4] == [f"{number}:{port:04X}", "01"] for line in lines)


def eventually(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + LIMIT
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_a_hundred_calls_and_forty_streams_at_once_are_one_ssh_connection(
    kind: str, remote_host: RemoteHosts, streams: ExitStack
) -> None:
    """sshd's `MaxSessions` 10 and `MaxStartups` 10 are those that it has when nobody sets any."""
    there = remote_host(kind)
    with closing(DockerHost.reach(there.settings)) as host:
        all_at_once = threading.Barrier(CALLS + STREAMS)
        found = [attached(host, streams) for _ in range(STREAMS)]

        def call(number: int) -> bool:
            all_at_once.wait(LIMIT)
            return len(host.client.api.containers()) == STREAMS

        def talk(number: int) -> bool:
            words = bytes([number]) * 100_000
            all_at_once.wait(LIMIT)
            return says(found[number], words) == words

        with ThreadPoolExecutor(CALLS + STREAMS) as pool:
            asked = [pool.submit(call, number) for number in range(CALLS)]
            asked += [pool.submit(talk, number) for number in range(STREAMS)]
            assert all(each.result(LIMIT) for each in asked)
        assert connections_to(there.address, 22) == 1


def test_what_is_not_of_this_machine_is_nobody_there(remote_host: RemoteHosts) -> None:
    with closing(DockerHost.reach(remote_host("docker 20.10").settings)) as host:
        assert (host.is_remote, host.user, host.gateway("bridge")) == (True, "65534:65534", None)
        assert (host.name, host.platform) == (host.settings.name, "linux-64")
        assert host.cpus == os.cpu_count()


@pytest.mark.parametrize(("kind", "how"), WAYS)
def test_a_dead_link_is_noticed_and_mended_under_the_same_client(
    kind: str, how: How, remote_host: RemoteHosts, streams: ExitStack
) -> None:
    """Nobody is told that packets are lost: keep-alives notice it, where nothing is sent, too."""
    there = remote_host(kind, how)
    with closing(DockerHost.reach(there.settings, patience=0.0)) as host:
        heard, client, stream = Heard(host), host.client, attached(host, streams)
        assert says(stream, b"before") == b"before"
        there.cut()
        assert stream.receive() == b""
        assert isinstance(heard.next(), Away)
        given_up = heard.next()
        assert isinstance(given_up, GivenUp)
        assert given_up.reason
        assert host.is_away()
        assert not host.watch.wait_until_back()
        there.mend()
        assert host.watch.wait_until_back(LIMIT, even_given_up=True)
        assert heard.next() == Back()
        assert says(attached(host, streams), b"after") == b"after"
        assert host.client is client


@pytest.mark.parametrize("how", ["ssh", "tls"])
def test_a_host_that_is_started_again_is_back(how: How, remote_host: RemoteHosts) -> None:
    there = remote_host("docker 20.10", how)
    with closing(DockerHost.reach(there.settings)) as host:
        heard = Heard(host)
        there.kill()
        host.watch.suspect()
        assert not host.watch.wait_until_back(0.0)
        assert isinstance(heard.next(), Away)
        there.restart()
        assert host.watch.wait_until_back(LIMIT)
        assert heard.next() == Back()
        assert host.client.ping()


def test_a_suspicion_without_cause_is_answered_at_once(remote_host: RemoteHosts) -> None:
    with closing(DockerHost.reach(remote_host("docker 20.10").settings)) as host:
        for _ in range(20):
            host.watch.suspect()
            assert host.watch.wait_until_back(LIMIT)
        assert host.watch.state == Back()


def test_calls_while_the_link_is_cut_end_and_name_the_host(remote_host: RemoteHosts) -> None:
    there = remote_host("docker 20.10", "tls")
    with closing(DockerHost.reach(there.settings)) as host:
        there.cut()
        with pytest.raises(HostNotReached, match=f"host `{there.name}` cannot be reached"):
            DockerHost.reach(there.settings)
        there.mend()
        assert host.watch.wait_until_back(LIMIT)


# Reaches a host and stays there.
_HOLDER = """
import sys, time
from dockerflow.engines.docker import DockerHost
from dockerflow.host_settings import HostSettings
host = DockerHost.reach(HostSettings("held", sys.argv[1]))
print("there", flush=True)
sys.stdin.read()
"""


def _ours(word: str) -> list[str]:
    """The processes in whose command line a word is."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = each.read_bytes().decode(errors="replace")
        except OSError:  # it has ended
            continue
        if word in words:
            found.append(words)
    return found


def test_a_killed_process_leaves_no_ssh_and_no_folder(
    remote_host: RemoteHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = remote_host("docker 20.10")
    folder = Path(f"/tmp/dockerflow-test-{os.getpid()}")  # a socket's path is short
    folder.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    try:
        holder = subprocess.Popen(
            [sys.executable, "-c", _HOLDER, there.settings.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        with holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"there\n"
            assert _ours(str(folder))
            assert connections_to(there.address, 22) == 1
            holder.send_signal(signal.SIGKILL)
        eventually(lambda: not _ours(str(folder)), "ssh outlives us")
        eventually(lambda: not list(folder.iterdir()), "the socket outlives us")
        eventually(lambda: connections_to(there.address, 22) == 0, "the connection outlives us")
    finally:
        folder.rmdir()


def test_letting_go_of_a_host_leaves_nothing(remote_host: RemoteHosts) -> None:
    there = remote_host("docker 20.10")
    threads = threading.active_count()
    DockerHost.reach(there.settings).close()
    assert connections_to(there.address, 22) == 0
    eventually(lambda: threading.active_count() <= threads, "threads are left")


def _refusal(settings: HostSettings) -> EngineError:
    with pytest.raises(EngineError) as caught:
        DockerHost.reach(settings).close()
    assert f"host `{settings.name}`" in caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.fixture
def by_tls(remote_host: RemoteHosts) -> RemoteHost:
    return remote_host("docker 20.10", "tls")


def test_a_host_with_the_certificate_of_another_authority_is_not_trusted(by_tls: RemoteHost, tmp_path: Path) -> None:
    tls_keys(tmp_path, by_tls.address)
    refusal = _refusal(replace(by_tls.settings, ca=tmp_path / "ca.pem"))
    assert "not signed by the authority that is trusted" in refusal.message
    assert "`ca`" in (refusal.hint or "")


def test_a_host_that_does_not_know_our_authority_says_so(by_tls: RemoteHost, tmp_path: Path) -> None:
    tls_keys(tmp_path, by_tls.address)
    ours = replace(by_tls.settings, certificate=tmp_path / "client.pem", key=tmp_path / "client-key.pem")
    assert "it wants a certificate that it trusts" in _refusal(ours).message


def test_a_host_that_wants_a_certificate_says_so(by_tls: RemoteHost) -> None:
    refusal = _refusal(replace(by_tls.settings, certificate=None, key=None))
    assert "wants a certificate that it trusts" in refusal.message
    assert "`certificate`" in (refusal.hint or "")


def test_a_host_that_speaks_tls_only_says_so(by_tls: RemoteHost) -> None:
    refusal = _refusal(replace(by_tls.settings, ca=None, certificate=None, key=None))
    assert "it speaks TLS only" in refusal.message
    assert "`ca`" in (refusal.hint or "")


@pytest.mark.parametrize("how", ["ssh", "tls"])
def test_a_context_of_docker_is_a_host(
    how: How, remote_host: RemoteHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docker itself writes it."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    there = remote_host("docker 20.10", how).settings
    endpoint = f"host={there.url}"
    if how == "tls":
        endpoint += f",ca={there.ca},cert={there.certificate},key={there.key}"
    subprocess.run(["docker", "context", "create", "far", "--docker", endpoint], check=True, capture_output=True)
    assert contexts.is_context("far")
    assert not contexts.is_context("near")
    with closing(DockerHost.reach(contexts.host("far"))) as host:
        assert (host.name, host.is_remote) == ("far", True)
        assert host.client.ping()
    monkeypatch.setenv("DOCKER_CONTEXT", "far")
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    with closing(DockerHost.connect()) as host:
        assert host.is_remote
