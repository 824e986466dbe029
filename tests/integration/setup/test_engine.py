"""An engine is found, or started; what stands in the way is said in two lines."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerflow.config import Config
from dockerflow.engines.docker import DockerHost
from dockerflow.setup import engine
from dockerflow.setup.engine import Daemon
from dockerflow.setup.errors import EngineNotReady

pytestmark = pytest.mark.usefixtures("docker_client")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a path short enough for a socket in it."""
    path = Path(tempfile.mkdtemp(prefix="df-", dir="/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


def daemon_in(folder: Path) -> Daemon:
    """A second engine that shares nothing with the one that the tests use, its network least of all.

    Two engines on one network quarrel over the default bridge: the second takes it away from the first.
    """
    return Daemon(
        log=folder / "dockerd.log",
        socket=f"unix://{folder}/docker.sock",
        data_root=folder / "data",
        exec_root=folder / "exec",
        pid_file=folder / "docker.pid",
        within=("unshare", "--net"),
    )


def stop(process_id: int) -> None:
    os.kill(process_id, signal.SIGTERM)
    os.waitpid(process_id, 0)


def test_an_engine_that_answers_is_taken_as_it_is() -> None:
    host, finding = engine.ensure(Config())
    assert finding.state == "ok"
    assert finding.text.startswith(f"Docker {host.client.version()['Version']} answers")
    host.client.close()


def test_a_started_engine_answers_and_is_in_a_session_of_its_own(folder: Path) -> None:
    daemon = daemon_in(folder)
    process_id = engine.start(daemon)
    try:
        host, finding = engine.look(Config(engine=daemon.socket))
        assert finding.state == "ok"
        assert host is not None
        assert host.client.info()["DockerRootDir"] == str(folder / "data")
        assert os.getsid(process_id) == process_id
        host.client.close()
    finally:
        stop(process_id)


def test_the_file_of_a_killed_engine_is_no_obstacle(folder: Path) -> None:
    """Its number belongs to another process now: this one."""
    (folder / "docker.pid").write_text(str(os.getpid()))
    process_id = engine.start(daemon_in(folder))
    stop(process_id)


def test_an_engine_that_does_not_start_tells_its_last_words(folder: Path) -> None:
    (folder / "data").write_text("a file where a folder should be")
    with pytest.raises(EngineNotReady, match=r"Docker did not start: .*data") as caught:
        engine.start(daemon_in(folder))
    assert caught.value.hint == f"look at {folder}/dockerd.log"
    assert "\n" not in caught.value.message


def test_an_engine_that_does_not_answer_in_time_is_stopped(folder: Path) -> None:
    with pytest.raises(EngineNotReady, match="did not answer within 0 seconds"):
        engine.start(daemon_in(folder), seconds=0)
    assert not (folder / "docker.pid").exists()


def test_a_configured_engine_is_not_started_by_us(folder: Path) -> None:
    with pytest.raises(EngineNotReady, match=f"unix://{folder}/docker.sock") as caught:
        engine.ensure(Config(engine=f"unix://{folder}/docker.sock"))
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("start it, or")


def test_looking_starts_nothing(folder: Path) -> None:
    host, finding = engine.look(Config(engine=f"unix://{folder}/docker.sock"))
    assert host is None
    assert finding.state == "missing"
    assert finding.hint is not None


def test_without_root_nothing_is_installed_and_the_error_says_what_to_do(folder: Path) -> None:
    """In a child that has given up root: nothing else can show it."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        os.environ["PATH"] = str(folder)
        try:
            engine._install(lambda finding: None)
        except EngineNotReady as error:
            os.write(writer, str(error).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader) as said:
        text = said.read()
    assert text.startswith("No Docker engine is on this machine, and none can be installed: ")
    assert "as root" in text


def test_the_address_in_use_is_the_one_of_every_other_command() -> None:
    host = DockerHost.connect()
    assert engine.describe(host) in engine.look(Config())[1].text
    host.client.close()
