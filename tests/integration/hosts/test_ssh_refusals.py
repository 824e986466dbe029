"""Whatever keeps ssh from an engine's socket is told in words of its own, with what to do."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dockerflow.engines.docker import DockerHost
from dockerflow.engines.errors import EngineError, HostNotReached
from dockerflow.host_settings import HostSettings
from tests.hosts.fixtures import RemoteHosts
from tests.hosts.keys import UsersKeys, ssh_key
from tests.integration.hosts import ssh_server
from tests.integration.hosts.ssh_server import USER, SshServer

WithOptions = Callable[..., None]


@pytest.fixture
def with_options(users_ssh: UsersKeys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WithOptions:
    """Have the user's ssh take these settings before its own."""

    def take(**options: object) -> None:
        words = " ".join(f"-o {name}={value}" for name, value in options.items())
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "ssh").write_text(f'#!/bin/sh\nexec {users_ssh.programs}/ssh {words} "$@"\n')
        (folder / "ssh").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    return take


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """To which everybody has a way: pytest's own folders are closed to other users."""
    above = Path(tempfile.gettempdir())
    for each in (tmp_path, *tmp_path.parents):
        if above in each.parents:
            each.chmod(0o755)
    return tmp_path


@pytest.fixture
def server(users_ssh: UsersKeys, folder: Path) -> Iterator[SshServer]:
    with ssh_server.running(folder, users_ssh.public_key) as running:
        yield running


@pytest.fixture
def known(server: SshServer, folder: Path, with_options: WithOptions) -> SshServer:
    (folder / "known").write_text(server.known)
    with_options(UserKnownHostsFile=folder / "known")
    return server


def refusal(url: str) -> EngineError:
    with pytest.raises(HostNotReached) as caught:
        DockerHost.reach(HostSettings("gpu-box", url)).close()
    assert caught.value.message.startswith("host `gpu-box` cannot be reached: ")
    assert caught.value.hint
    return caught.value


def test_a_host_whose_key_is_not_known_is_not_trusted(server: SshServer, folder: Path) -> None:
    error = refusal(server.url("root", folder / "x.sock"))
    assert "its SSH key is not known here" in error.message
    assert f"`ssh -p {server.port} root@127.0.0.1`" in (error.hint or "")


def test_a_host_whose_key_has_changed_is_not_trusted(
    server: SshServer, folder: Path, with_options: WithOptions, tmp_path: Path
) -> None:
    (folder / "known").write_text(f"[127.0.0.1]:{server.port} {ssh_key(tmp_path / 'other')}\n")
    with_options(UserKnownHostsFile=folder / "known")
    error = refusal(server.url("root", folder / "x.sock"))
    assert "its SSH key is not the one that is known of it" in error.message
    assert f"`ssh-keygen -R '[127.0.0.1]:{server.port}'`" in (error.hint or "")


def test_a_user_who_is_not_let_in_is_told_how_to_be(known: SshServer, folder: Path) -> None:
    error = refusal(known.url("nobody-of-that-name", folder / "x.sock"))
    assert "ssh was not let in" in error.message
    assert "ssh-copy-id" in (error.hint or "")


def test_a_name_that_nobody_knows_is_named(users_ssh: UsersKeys) -> None:
    assert "no-such-host.invalid" in refusal("ssh://no-such-host.invalid").message


def test_a_port_at_which_nobody_listens_is_told(users_ssh: UsersKeys) -> None:
    with socket.socket() as taken:  # bound, not listened at
        taken.bind(("127.0.0.1", 0))
        error = refusal(f"ssh://127.0.0.1:{taken.getsockname()[1]}")
    assert "nothing listens for ssh there" in error.message


def test_a_host_that_does_not_answer_is_waited_for_no_longer_than_ten_seconds(remote_host: RemoteHosts) -> None:
    there = remote_host("docker 20.10")
    there.cut()
    error = refusal(there.settings.url)
    assert "it does not answer" in error.message
    assert error.hint == "check the host with `dockerflow hosts check gpu-box`"


def test_a_socket_that_is_not_there_is_named_with_another_that_is(known: SshServer, folder: Path) -> None:
    error = refusal(known.url(USER, folder / "no.sock"))
    assert f"there is no socket `{folder / 'no.sock'}` there" in error.message


def test_a_socket_that_the_user_may_not_use_is_told(known: SshServer, folder: Path) -> None:
    with ssh_server.listening(folder / "x.sock") as path:
        error = refusal(known.url(USER, path))
    assert f"ssh's user may not use the socket `{path}`" in error.message
    assert f"`sudo usermod -aG docker {USER}`" in (error.hint or "")


def test_a_socket_at_which_nobody_listens_is_told(known: SshServer, folder: Path) -> None:
    with ssh_server.listening(folder / "x.sock") as path:
        pass
    assert f"no engine listens at the socket `{path}`" in refusal(known.url("root", path)).message


def test_a_file_that_is_no_socket_is_told(known: SshServer, folder: Path) -> None:
    (folder / "file").touch()
    assert "is no socket there" in refusal(known.url("root", folder / "file")).message


@pytest.mark.parametrize("setting", ["MaxSessions 0", "ForceCommand true"])
def test_a_server_that_allows_no_session_is_a_host_all_the_same(
    setting: str, users_ssh: UsersKeys, folder: Path, with_options: WithOptions
) -> None:
    """A session is of use, and not needed: some may forward and nothing else."""
    engine = folder / "engine.sock"
    with ssh_server.running(folder, users_ssh.public_key, setting) as running, ssh_server.passed_on(engine):
        (folder / "known").write_text(running.known)
        with_options(UserKnownHostsFile=folder / "known")
        with closing(DockerHost.reach(HostSettings("gpu-box", running.url("root", engine)))) as host:
            assert host.client.ping()


@pytest.mark.parametrize("setting", ["AllowStreamLocalForwarding no", "DisableForwarding yes"])
def test_a_server_that_forwards_to_no_socket_is_told(
    setting: str, users_ssh: UsersKeys, folder: Path, with_options: WithOptions
) -> None:
    with ssh_server.running(folder, users_ssh.public_key, setting) as running:
        (folder / "known").write_text(running.known)
        with_options(UserKnownHostsFile=folder / "known")
        with ssh_server.listening(folder / "x.sock") as path:
            error = refusal(running.url("root", path))
    assert f"its sshd does not forward connections to the socket `{path}`" in error.message
    assert "AllowStreamLocalForwarding yes" in (error.hint or "")


def test_a_user_without_a_shell_there_is_told_what_it_may_be(known: SshServer, folder: Path) -> None:
    error = refusal(known.url("nobody", folder / "x.sock"))
    assert "its sshd cannot connect to the socket" in error.message
    assert f"`ssh -p {known.port} nobody@127.0.0.1`" in (error.hint or "")


def test_a_machine_without_ssh_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="the program `ssh` is not there") as caught:
        DockerHost.reach(HostSettings("gpu-box", "ssh://gpu-box"))
    assert "openssh-client" in (caught.value.hint or "")
