"""Start an engine for the tests, in a world of its own, and stop it without a trace.

Each runs in namespaces of its own for processes, mounts and the network. So none takes the default bridge away from
the engine of this machine, as two on one network do, and with the first process of the namespaces everything ends that
is in them: containers, shims, mounts. That process ends with the tests, also when they are killed. What is left then,
folders, is removed by whoever starts the next engine.

They have a bridge, but no way out of it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import docker

from dockerflow.engines.docker import DockerHost
from dockerflow.engines.errors import EngineError
from dockerflow.setup.debian import SYSTEM_FOLDERS
from tests.engines import programs

START_SECONDS = 60.0
LOOK_EVERY = 0.05

# Short, because a socket's path may have 108 characters.
_PREFIX = "dockerflow-engine-"

# `/run` is private too: engines find each other's sockets and locks there. An argument is the size of the disk.
_WORLD = """
mount -t tmpfs -o mode=755 tmpfs /run
ip link set lo up
if [ "$1" ]; then mount -t tmpfs -o "size=$1" tmpfs "$2"; fi
shift 2
exec catatonit -- "$@"
"""

# The default limits of Podman are higher than some machines allow.
_CONTAINERS_CONF = """
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


@dataclass(frozen=True)
class Kind:
    """A kind of engine. `keeps_layers_apart`: it reuses a layer wherever it lies; `names_by`: what its names are of."""

    program: str
    options: tuple[str, ...]
    keeps_layers_apart: bool
    names_by: str  # `config` or `manifest`
    files: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)


_DOCKERD = (
    "--host=unix://{folder}/engine.sock", "--data-root={folder}/data", "--exec-root=/run/docker",
    "--pidfile=/run/docker.pid", "--config-file={folder}/daemon.json", "--cgroup-parent=/{name}",
)  # fmt: skip

# It publishes ports by a program that is not built with it, or by rules of the firewall alone.
_MOBY_JSON = '{"features": {"containerd-snapshotter": true}, "userland-proxy": false}'

KINDS = {
    "docker 20.10": Kind(
        "dockerd", _DOCKERD, False, "config", {"daemon.json": '{"features": {"containerd-snapshotter": false}}'}
    ),
    "moby v2": Kind("moby/dockerd", _DOCKERD, True, "manifest", {"daemon.json": _MOBY_JSON}),
    "podman": Kind(
        "podman",
        (
            "--root={folder}/data",
            "--runroot=/run/containers",
            "system",
            "service",
            "--time=0",
            "unix://{folder}/engine.sock",
        ),
        True,
        "config",
        {"containers.conf": _CONTAINERS_CONF, "registries.conf": "unqualified-search-registries = []\n"},
        {
            "CONTAINERS_CONF": "{folder}/containers.conf",
            "CONTAINERS_REGISTRIES_CONF": "{folder}/registries.conf",
            "TMPDIR": "{folder}",  # an archive is copied there while it is loaded
        },
    ),
}


@dataclass(frozen=True)
class Engine:
    """An engine that runs."""

    name: str
    kind: Kind
    url: str
    client: docker.DockerClient
    restart: Callable[[], None]  # after it and all its containers were killed; what is on its disk stays


@contextmanager
def running(name: str, disk: str = "") -> Iterator[Engine]:
    """An engine of one of `KINDS`; `disk` is the size of its disk, such as `300m`, if it shall have one of its own."""
    kind = KINDS[name]
    assert os.geteuid() == 0, f"{name} cannot be started: only root can give it a world of its own"
    program = programs.program_path(kind.program)
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir="/tmp"))
    try:
        process = _spawn(kind, program, folder, disk)

        def restart() -> None:
            nonlocal process
            _end(process)
            _forget_cgroups(folder.name)
            (folder / "engine.sock").unlink(missing_ok=True)
            process = _spawn(kind, program, folder, disk)
            _wait(name, process, url, folder / "log")

        try:
            url = f"unix://{folder}/engine.sock"
            _wait(name, process, url, folder / "log")
            client = docker.DockerClient(url, version="auto", timeout=120)
            yield Engine(name, kind, url, client, restart)
            client.close()
        finally:
            _end(process)
            _forget_cgroups(folder.name)
    finally:
        shutil.rmtree(folder)


def _spawn(kind: Kind, program: str, folder: Path, disk: str) -> subprocess.Popen[bytes]:
    for name, text in kind.files.items():
        (folder / name).write_text(text)
    (folder / "data").mkdir(exist_ok=True)
    path = f"{Path(program).parent}:{os.environ.get('PATH', os.defpath)}:{SYSTEM_FOLDERS}"
    variables = {name: value.format(folder=folder) for name, value in kind.variables.items()}
    ends_with_us = ["setpriv", "--pdeathsig", "KILL"]
    namespaces = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    world = ["sh", "-ec", _WORLD, "world", disk, str(folder / "data")]
    options = [option.format(folder=folder, name=folder.name) for option in kind.options]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [*ends_with_us, *namespaces, *world, program, *options],
            env={**os.environ, **variables, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,  # where Podman leaves a file `oom`
            start_new_session=True,  # Ctrl-C is for the tests, which then end it
        )


def _wait(name: str, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(url):
        words = f"{name} did not start: {log.read_text(errors='replace')[-2000:]}"
        assert process.poll() is None, words
        assert time.monotonic() < deadline, words
        time.sleep(LOOK_EVERY)


def _answers(url: str) -> bool:
    try:
        DockerHost.connect(url).close()
    except EngineError:
        return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the namespaces' first process, and wait until nothing is left in them."""
    first = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.wait()
    while any(Path("/proc", each).exists() for each in first):
        time.sleep(LOOK_EVERY)


def _forget_cgroups(name: str) -> None:
    """Remove the control groups of an engine that has ended: one for each controller, with those of its containers."""
    for group in [*Path("/sys/fs/cgroup").glob(f"*/{name}"), Path("/sys/fs/cgroup", name)]:
        if group.is_dir():
            for each in [*(each for each in group.iterdir() if each.is_dir()), group]:
                each.rmdir()


def _sweep() -> None:
    """Remove the folders of engines whose tests were killed."""
    for folder in Path("/tmp").glob(f"{_PREFIX}*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if not Path("/proc", owner).exists():
            _forget_cgroups(folder.name)
            shutil.rmtree(folder, ignore_errors=True)
