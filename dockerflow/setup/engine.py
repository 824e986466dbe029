"""See that a Docker engine answers: found, or installed and started here.

An engine that somebody configured (a setting, `DOCKER_HOST`) is never started by us, only looked for. On this machine
it is started by systemd where that runs; otherwise as a process in a session of its own, which outlives this command.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from dockerflow.config import Config, state_dir
from dockerflow.engines.docker import DockerHost
from dockerflow.engines.errors import EngineError, EngineNotFound
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.setup.debian import SYSTEM_FOLDERS, install, last_error, which, why_not_installable
from dockerflow.setup.errors import EngineNotReady, SetupError
from dockerflow.setup.finding import Finding, Notify, ignore

SUBJECT = "engine"
PACKAGES = ("docker.io", "iptables", "ca-certificates")
DEFAULT_SOCKET = "unix:///var/run/docker.sock"
_SET_UP = "run `dockerflow setup`, which installs and starts one"
PID_FILE = Path("/var/run/docker.pid")
SYSTEMD = Path("/run/systemd/system")

START_SECONDS = 60.0
LOOK_EVERY = 0.1


@dataclass(frozen=True)
class Daemon:
    """An engine to start as a process of this machine. What is None is left to the engine's own default."""

    log: Path
    socket: str = DEFAULT_SOCKET
    data_root: Path | None = None
    exec_root: Path | None = None
    pid_file: Path | None = None
    within: tuple[str, ...] = ()  # a command that runs the engine's own, such as `unshare --net`

    def command(self, program: str) -> list[str]:
        options = {
            "--host": self.socket,
            "--data-root": self.data_root,
            "--exec-root": self.exec_root,
            "--pidfile": self.pid_file,
        }
        return [*self.within, program, *(f"{option}={value}" for option, value in options.items() if value is not None)]


def look(config: Config) -> tuple[DockerHost | None, Finding]:
    """The engine, if one answers, and what to say about it. Changes nothing."""
    try:
        host = DockerHost.connect(config.engine)
        return host, Finding(SUBJECT, "ok", describe(host))
    except EngineNotFound as error:
        chosen = config.engine or os.environ.get("DOCKER_HOST")
        hint = "start it, or leave the setting `engine` and DOCKER_HOST unset" if chosen else _SET_UP
        return None, Finding(SUBJECT, "missing", error.message, hint)
    except EngineError as error:
        return None, Finding(SUBJECT, "broken", error.message, error.hint)


def describe(host: DockerHost) -> str:
    version = host.client.version()
    podman = any("Podman" in str(one.get("Name")) for one in version.get("Components") or ())
    engine = "Podman" if podman else "Docker"
    return f"{engine} {version['Version']} answers, {host.cpus} CPUs, {host.memory / 2**30:.0f} GiB of memory"


def ensure(config: Config, notify: Notify = ignore) -> tuple[DockerHost, Finding]:
    """An engine that answers; installed and started if need be. Raises EngineNotReady."""
    host, found = look(config)
    if host is not None:
        return host, found
    if found.hint != _SET_UP:
        raise EngineNotReady(found.text, found.hint)
    done = "started"
    if which("dockerd") is None:
        _install(notify)
        done = "installed and started"
    _start(notify)
    host = DockerHost.connect(config.engine)
    return host, Finding(SUBJECT, "made", f"{done}: {describe(host)}")


def _install(notify: Notify) -> None:
    reason = why_not_installable()
    if reason is not None:
        hint = (
            "install Docker Desktop and start it"
            if sys.platform == "darwin"
            else ("install Docker (https://docs.docker.com/engine/install/), or run `dockerflow setup` as root")
        )
        raise EngineNotReady(f"No Docker engine is on this machine, and none can be installed: {reason}.", hint)
    notify(Finding(SUBJECT, "doing", "installing Docker from Debian's packages"))
    try:
        install(PACKAGES)
    except SetupError as error:
        raise EngineNotReady(f"Docker could not be installed. {error.message}", error.hint) from None


def _start(notify: Notify) -> None:
    if os.geteuid() != 0:
        raise EngineNotReady(
            "Docker is installed but does not run, and only root can start it.", "run `sudo systemctl start docker`"
        )
    notify(Finding(SUBJECT, "doing", "starting Docker"))
    if SYSTEMD.is_dir():
        done = subprocess.run(["systemctl", "start", "docker"], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise EngineNotReady(
                f"`systemctl start docker` failed: {last_error(done.stderr)}", "look at `journalctl -u docker`"
            )
        return
    start(Daemon(log=state_dir() / "dockerd.log"))


def start(daemon: Daemon, seconds: float = START_SECONDS) -> int:
    """Start an engine in a session of its own and wait until it answers; its process id.

    Raises EngineNotReady with the engine's last words when it ends or does not answer in `seconds`.
    """
    program = which("dockerd")
    if program is None:
        raise EngineNotReady("There is no `dockerd` on this machine.", "run `dockerflow setup` as root")
    _forget_dead(daemon.pid_file or PID_FILE)
    began = daemon.log.stat().st_size if daemon.log.exists() else 0
    process_id = _spawn(program, daemon)
    deadline = time.monotonic() + seconds
    while not _answers(daemon.socket):
        if os.waitpid(process_id, os.WNOHANG)[0]:
            raise EngineNotReady(f"Docker did not start: {_last_words(daemon.log, began)}", f"look at {daemon.log}")
        if time.monotonic() > deadline:
            os.kill(process_id, signal.SIGTERM)
            os.waitpid(process_id, 0)
            raise EngineNotReady(
                f"Docker was started but did not answer within {seconds:.0f} seconds.", f"look at {daemon.log}"
            )
        time.sleep(LOOK_EVERY)
    return process_id


def _forget_dead(pid_file: Path) -> None:
    """Remove the file of an engine that was killed: a new one refuses to start when another process has its number."""
    try:
        number = pid_file.read_text().strip()
    except FileNotFoundError:
        return
    command = Path("/proc", number, "comm")
    if not number.isdigit() or not command.exists() or command.read_text().strip() != "dockerd":
        pid_file.unlink(missing_ok=True)


def _spawn(program: str, daemon: Daemon) -> int:
    """Start the engine detached from this command's terminal; its process id."""
    daemon.log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "PATH": f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_FOLDERS}"}
    with daemon.log.open("ab") as log:
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, log.fileno(), 1),
            (os.POSIX_SPAWN_DUP2, log.fileno(), 2),
        ]
        command = daemon.command(program)
        return os.posix_spawnp(command[0], command, environment, file_actions=actions, setsid=True)


def _answers(socket: str) -> bool:
    try:
        DockerHost.connect(socket).client.close()
    except EngineError:
        return False
    return True


def _last_words(log: Path, began: int) -> str:
    with log.open("rb") as file:
        file.seek(began)
        return last_error(file.read().decode(errors="replace"))
