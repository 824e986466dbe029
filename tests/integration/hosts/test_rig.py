"""What the tests of remote hosts rely on: see `tests.hosts`."""

from __future__ import annotations

import contextlib
import http.server
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import docker
import docker.errors
import docker.tls
import pytest

from tests.conftest import BASE_IMAGE
from tests.containers import printed
from tests.engines import daemons
from tests.hosts.fixtures import RemoteHost, RemoteHosts
from tests.hosts.machines import TLS_PORT

SECONDS = 60.0
LOOK_EVERY = 0.05


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(LOOK_EVERY)


def ssh(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ssh", "-o", "BatchMode=yes", *words], capture_output=True, text=True, check=False)


def is_heard(host: RemoteHost) -> bool:
    """Whether something there answers within a moment."""
    with contextlib.suppress(OSError), socket.create_connection((host.address, 22), timeout=1) as connection:
        return connection.recv(4) == b"SSH-"
    return False


@contextlib.contextmanager
def forwarded(host: RemoteHost, there: str, here: Path) -> Iterator[subprocess.Popen[bytes]]:
    options = ["-o", "BatchMode=yes", "-o", "ExitOnForwardFailure=yes"]
    with subprocess.Popen(["ssh", *options, "-N", "-L", f"{here}:{there}", host.name]) as process:
        try:
            wait_until(here.is_socket)
            yield process
        finally:
            process.terminate()


def tls_client(host: RemoteHost) -> docker.DockerClient:
    settings = host.settings
    config = docker.tls.TLSConfig((str(settings.certificate), str(settings.key)), str(settings.ca), verify=True)
    client = docker.DockerClient(f"https://{host.address}:{TLS_PORT}", version="1.41", tls=config)
    client.api.trust_env = False  # REQUESTS_CA_BUNDLE would hold instead of our authority
    return client


@pytest.fixture(params=list(daemons.KINDS))
def host(request: pytest.FixtureRequest, remote_host: RemoteHosts) -> RemoteHost:
    return remote_host(request.param)


@pytest.fixture(params=[kind for kind in daemons.KINDS if kind != "podman"])
def host_by_tls(request: pytest.FixtureRequest, remote_host: RemoteHosts) -> RemoteHost:
    return remote_host(request.param, "tls")


@pytest.fixture
def docker_there(remote_host: RemoteHosts) -> RemoteHost:
    return remote_host("docker 20.10")


def test_ssh_goes_to_a_host_by_its_name_and_by_its_address(host):
    for name in (host.name, f"root@{host.address}"):
        done = ssh(name, "true")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_ssh_knows_no_other_key_of_a_host(docker_there, users_ssh, monkeypatch):
    """It asks whether to go on, which nobody answers."""
    done = ssh("-o", "UserKnownHostsFile=/dev/null", docker_there.name, "true")
    assert (done.returncode, "Host key verification failed" in done.stderr) == (255, True)


def test_an_engine_answers_at_the_socket_that_its_url_names(host, tmp_path):
    there = "/" + host.settings.url.removeprefix("ssh://").partition("/")[2]
    with forwarded(host, "/var/run/docker.sock" if there == "/" else there, tmp_path / "engine.sock"):
        client = docker.DockerClient(f"unix://{tmp_path}/engine.sock", version="auto")
        made = host.client.containers.create(BASE_IMAGE, "true")
        assert [each.id for each in client.containers.list(all=True)] == [made.id]
        client.close()


def test_tls_lets_in_who_has_a_certificate(host_by_tls):
    client = tls_client(host_by_tls)
    assert client.info()["ID"] == host_by_tls.client.info()["ID"]
    client.close()


def test_tls_lets_in_nobody_else(host_by_tls):
    context = ssl.create_default_context(cafile=host_by_tls.settings.ca)
    with socket.create_connection((host_by_tls.address, TLS_PORT)) as connection:
        tls = context.wrap_socket(connection, server_hostname=host_by_tls.address)
        with tls, pytest.raises(ssl.SSLError, match=r"certificate required|bad certificate"):
            tls.recv(1)


def test_sshd_has_the_limits_that_it_has_unasked(host):
    told = ssh(host.name, "/usr/sbin/sshd -T -f /run/keys/sshd_config").stdout.splitlines()
    assert {"maxsessions 10", "maxstartups 10:30:100", "clientaliveinterval 0"} <= {*told}


def test_sshd_holds_its_limit_of_sessions(docker_there, tmp_path):
    """On one connection, as by ControlMaster: ten, and not an eleventh."""
    control = tmp_path / "control"
    master = ["ssh", "-o", "BatchMode=yes", "-N", "-M", "-S", str(control), docker_there.name]
    with subprocess.Popen(master) as connection, contextlib.ExitStack() as ended:
        ended.callback(connection.terminate)
        wait_until(control.is_socket)
        through = ["ssh", "-o", "BatchMode=yes", "-S", str(control), "-o", "ProxyCommand=false", docker_there.name]
        sessions = []
        for _ in range(12):
            session = subprocess.Popen(
                [*through, "echo in && exec cat"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            ended.enter_context(session)
            ended.callback(session.kill)
            sessions.append(session)
        told = [session.stdout.read(3) for session in sessions if session.stdout is not None]
        assert sorted(told) == [b""] * 2 + [b"in\n"] * 10


def test_what_is_cut_is_not_heard_until_it_is_mended(host):
    wait_until(lambda: is_heard(host))
    host.cut()
    assert not is_heard(host)
    assert host.client.ping(), "it goes on by itself"
    host.mend()
    wait_until(lambda: is_heard(host))


def test_a_connection_outlives_a_cut(docker_there):
    """One that nobody ends: what was sent meanwhile arrives when the link is mended."""
    with subprocess.Popen(
        ["ssh", "-o", "BatchMode=yes", docker_there.name, "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for word in (b"before\n", b"while\n"):
            process.stdin.write(word)
            process.stdin.flush()
            if word == b"before\n":
                assert process.stdout.readline() == word
                docker_there.cut()
        docker_there.mend()
        assert process.stdout.readline() == b"while\n"
        process.stdin.close()


def test_a_host_that_was_killed_comes_back_with_its_images_and_its_address(host):
    container = host.client.containers.run(BASE_IMAGE, ["sleep", "600"], detach=True, network_mode="none")
    before, key = host.address, ssh(host.name, "true")
    host.kill()
    assert not is_heard(host)
    host.restart()
    wait_until(lambda: is_heard(host))
    assert (host.address, ssh(host.name, "true").returncode) == (before, key.returncode)
    assert host.client.containers.get(container.id).status != "running"
    assert host.client.images.get(BASE_IMAGE)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.client_address[0].encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    """Where a server on this machine tells its clients their addresses."""
    with http.server.ThreadingHTTPServer(("", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_a_container_there_reaches_a_server_here(host, port):
    script = f"exec 3<>/dev/tcp/{host.s3_endpoint_host}/{port}; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3"
    told = printed(host.client, BASE_IMAGE, ["bash", "-c", script])
    assert told.endswith(host.address), "and comes from there"


def test_a_container_there_reaches_nothing_else(host):
    script = "(exec 3<>/dev/tcp/192.0.2.1/80) 2>&1 || true"
    assert "Network is unreachable" in printed(host.client, BASE_IMAGE, ["bash", "-c", script])


def test_a_folder_of_this_machine_is_not_there(docker_there, tmp_path):
    (tmp_path / "file").touch()
    mounted = {str(tmp_path): {"bind": "/mnt", "mode": "rw"}}
    assert printed(docker_there.client, BASE_IMAGE, ["ls", "/mnt"], volumes=mounted) == ""


def test_two_hosts_are_two(remote_host):
    one, two = (remote_host("docker 20.10", number=number) for number in (1, 2))
    assert one.address != two.address
    assert one.client.info()["ID"] != two.client.info()["ID"]
    one.cut()
    wait_until(lambda: is_heard(two))


def links() -> Mapping[str, str]:
    """The networks of the tests on this machine."""
    found = subprocess.run(["ip", "-brief", "link"], capture_output=True, text=True, check=True).stdout
    return {line.split("@")[0]: line for line in found.splitlines() if line.startswith("dockerflow-")}


def test_nothing_is_left_of_a_host_whose_tests_were_killed(users_ssh, tmp_path):
    script = """
import sys, pathlib
from tests.hosts import machines
from tests.hosts.keys import UsersKeys
with machines.running("killed", "docker 20.10", UsersKeys(pathlib.Path(sys.argv[1])), pathlib.Path(sys.argv[2])) as it:
    print(it.link.name, flush=True)
    sys.stdin.read()
"""
    command = [sys.executable, "-c", script, str(users_ssh.folder), str(tmp_path)]
    root = Path(__file__).parents[3]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        assert name in links()
        os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: name not in links())
    with daemons.running("docker 20.10"):
        assert not list(Path("/tmp").glob(f"dockerflow-engine-{process.pid}-*"))
