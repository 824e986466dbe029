"""Start an engine for the tests, in a world of its own, and stop it without a trace.

Each runs in namespaces of its own for processes, mounts and the network. So none takes the default bridge away from
the engine of this machine, as two on one network do, and with the first process of the namespaces everything ends that
is in them: containers, shims, mounts. That process ends with the tests, also when they are killed. What is left then,
folders, is removed by whoever starts the next engine.

They have a bridge, but no way out of it. Who wants more of a world, such as a link to this machine, says so by `Around`
(see `tests.hosts`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
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

# `/run` is private too: engines find each other's sockets and locks there. The first arguments are the size of the
# disk, the engine's folder, and what the world's shell does before the engine starts.
_WORLD = """
mount -t tmpfs -o mode=755 tmpfs /run
ip link set lo up
eval "$3"
if [ "$1" ]; then mount -t tmpfs -o "size=$1" tmpfs "$2/data"; fi
shift 3
exec catatonit -- "$@"
"""

# Of a process that dies with its parent, the parent is the thread that started it: this one lives as long as we do.
_STARTER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engines")

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

# The key makes its ID: without one of its own, it would have that of this machine's engine.
_DOCKER_JSON = '{"features": {"containerd-snapshotter": false}, "deprecated-key-path": "{folder}/key.json"}'

# It publishes ports by a program that is not built with it, or by rules of the firewall alone.
_MOBY_JSON = '{"features": {"containerd-snapshotter": true}, "userland-proxy": false}'

KINDS = {
    "docker 20.10": Kind("dockerd", _DOCKERD, False, "config", {"daemon.json": _DOCKER_JSON}),
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
class Around:
    """What an engine's world has besides a bridge; `{folder}` is the engine's own."""

    first: str = ""  # done by the shell in the world before the engine starts
    options: tuple[str, ...] = ()  # of the engine's program
    entered: Callable[[int], None] = lambda process: None  # is given a process in it that has just begun


NOTHING = Around()


@dataclass(frozen=True)
class Engine:
    """An engine that runs."""

    name: str
    kind: Kind
    url: str
    client: docker.DockerClient
    kill: Callable[[], None]  # it and all that is in its world, at once; what is on its disk stays
    restart: Callable[[], None]  # after it was killed, which is done here if it has not been


@contextmanager
def running(name: str, disk: str = "", around: Around = NOTHING) -> Iterator[Engine]:
    """An engine of one of `KINDS`; `disk` is the size of its disk, such as `300m`, if it shall have one of its own."""
    assert os.geteuid() == 0, f"{name} cannot be started: only root can give it a world of its own"
    program = programs.program_path(KINDS[name].program)
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir="/tmp"))
    daemon = _Daemon(name, program, folder, disk, around)
    try:
        daemon.start()
        client = docker.DockerClient(daemon.url, version="auto", timeout=120)
        yield Engine(name, KINDS[name], daemon.url, client, daemon.kill, daemon.restart)
        client.close()
    finally:
        daemon.kill()
        shutil.rmtree(folder)


@dataclass
class _Daemon:
    name: str
    program: str
    folder: Path
    disk: str
    around: Around
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/engine.sock"

    def start(self) -> None:
        """Return when it answers."""
        self._process = _STARTER.submit(self._spawn).result()
        self.around.entered(self._process.pid)
        self._wait()

    def kill(self) -> None:
        if self._process is not None:
            _end(self._process)
            self._process = None
            _forget_cgroups(self.folder.name)
            (self.folder / "engine.sock").unlink(missing_ok=True)

    def restart(self) -> None:
        self.kill()
        self.start()

    def _spawn(self) -> subprocess.Popen[bytes]:
        kind = KINDS[self.name]
        for name, text in kind.files.items():
            (self.folder / name).write_text(text.replace("{folder}", str(self.folder)))
        (self.folder / "data").mkdir(exist_ok=True)
        path = f"{Path(self.program).parent}:{os.environ.get('PATH', os.defpath)}:{SYSTEM_FOLDERS}"
        ends_with_us = ["setpriv", "--pdeathsig", "KILL"]
        namespaces = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
        world = ["sh", "-ec", _WORLD, "world", self.disk, str(self.folder), self._filled(self.around.first)]
        options = [self._filled(option) for option in (*kind.options, *self.around.options)]
        with (self.folder / "log").open("wb") as log:
            return subprocess.Popen(
                [*ends_with_us, *namespaces, *world, self.program, *options],
                env={**os.environ, **{name: self._filled(text) for name, text in kind.variables.items()}, "PATH": path},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,  # where Podman leaves a file `oom`
                start_new_session=True,  # Ctrl-C is for the tests, which then end it
            )

    def _filled(self, text: str) -> str:
        return text.format(folder=self.folder, name=self.folder.name)

    def _wait(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while not _answers(self.url):
            words = f"{self.name} did not start: {(self.folder / 'log').read_text(errors='replace')[-2000:]}"
            assert self._process.poll() is None, words
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
    if process.poll() is not None:  # it did not start
        return
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
