"""A session in a container: of the task's image, confined as the task was, on this machine's engine or a remote host's.

On an engine of this machine the flow's files and the store are mounted, so that edits take effect at once; to another
machine the files are copied, and a store in a bucket is read from there. What a run limits by decorators (memory, time)
is not limited: whoever looks into a task that ran out of something wants to get past that.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import docker.errors
from docker.types import Mount

from dockerflow import hosts, makers
from dockerflow.attached import Attached, Executed
from dockerflow.config import Config
from dockerflow.debugging import beside, terminal, there
from dockerflow.debugging.bucket import InContainer, answering
from dockerflow.debugging.code import Code, archive
from dockerflow.debugging.files import Place, packed, session_files
from dockerflow.debugging.jupyter import Listening
from dockerflow.debugging.subject import Subject, Wanted
from dockerflow.engines.boundary import translated
from dockerflow.engines.container import BLOBS, OPEN, PYTHON, TMP, WORK, container, host_options
from dockerflow.engines.docker import DockerHost
from dockerflow.engines.errors import EngineError
from dockerflow.engines.leftovers import remove_leftovers
from dockerflow.engines.worker import WorkerRequest
from dockerflow.host_settings import LOCAL
from dockerflow.images.image import OwnPython
from dockerflow.in_image.images import image_for
from dockerflow.in_image.values import Place as StepPlace
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.scheduler.errors import RunError
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.records import StepRecord

if TYPE_CHECKING:
    from dockerflow.engines.worker import BucketForWorkers

CODE = PurePosixPath("/dockerflow/user-code")
SESSION = "session"


@dataclass(frozen=True)
class Session:
    """What is wanted of a container. `bucket` is there where the store is one; `jupyter` are the folders that are
    put beside the image, by their places there."""

    subject: Subject
    wanted: Wanted
    code: Code
    host: DockerHost
    step: StepRecord
    image: str
    network: str
    bucket: BucketForWorkers | None = None
    jupyter: Mapping[str, Path] = field(default_factory=dict)

    @property
    def sees_folders(self) -> bool:
        return not self.host.is_remote

    @property
    def place(self) -> Place:
        mounted = self.sees_folders
        work = WORK / OPEN
        blobs = BLOBS if isinstance(self.subject.store, DirectoryStore) else None
        return Place(WORK / SESSION, work, CODE if mounted else WORK / SESSION / "user-code", blobs)


@contextmanager
def reached(config: Config, name: str | None) -> Iterator[DockerHost]:
    """The engine of this machine, or the host of that name. Raises EngineError, ConfigError."""
    if name is None or name == LOCAL:
        host = DockerHost.connect(config.engine, patience=config.host_patience)
    else:
        host = DockerHost.reach(hosts.named(config, name), config.host_patience)
    with closing(host):
        yield host


def session(
    subject: Subject, wanted: Wanted, code: Code, host: DockerHost, config: Config, tell: Callable[[str], None]
) -> Session:
    """Have the engine hold the image, and find out how the session sees the store. Raises ImageError, EngineError,
    RunError, StoreError."""
    step = subject.on(host.platform)
    if host.is_remote and isinstance(subject.store, DirectoryStore):
        raise RunError(
            f"the host `{host.name}` cannot see the store, which is a folder of this machine: `{subject.store.root}`",
            "leave `--host` out: the image is made here from the run's lock",
        )
    network = host.settings.network or config.network
    if wanted.jupyter is not None:
        wanted = replace(wanted, jupyter=_in_container(wanted.jupyter, host, network))
    image = image_for(StepPlace(subject.store, subject.started, step), host.client, config, tell)
    return Session(subject, wanted, code, host, step, image, network, _bucket(subject, config, host))


def _in_container(jupyter: Listening, host: DockerHost, network: str) -> Listening:
    if host.is_remote or network == "none":
        where = f"on the host `{host.name}`, which" if host.is_remote else "in a container without network, which"
        raise EngineError(f"Jupyter would listen {where} a browser here does not reach", "leave `--notebook` out")
    return jupyter if network == "host" else replace(jupyter, inside="0.0.0.0")


def with_jupyter(wanted: Session, config: Config, tell: Callable[[str], None]) -> Session:
    """Beside the image where that has none. Raises EnvironmentsError, ImageError, EngineError."""
    host, jupyter = wanted.host, wanted.wanted.jupyter
    with translated("look for Jupyter in the image", host.url):
        user = "" if host.about.is_podman else host.user
        found = there.look(host.client, wanted.image, wanted.step.python or PYTHON, user)
    if jupyter is None or not beside.is_needed(found):
        return wanted
    folders = beside.folders_for(beside.Asked(found, host.platform, wanted.subject.pathspec), config, tell)
    jupyter = replace(jupyter, beside=(beside.SERVER, beside.KERNEL))
    return replace(wanted, wanted=replace(wanted.wanted, jupyter=jupyter), jupyter=folders)


def _bucket(subject: Subject, config: Config, host: DockerHost) -> BucketForWorkers | None:
    if isinstance(subject.store, DirectoryStore):
        return None
    from dockerflow.scheduler.bucket import bucket_for_workers  # noqa: PLC0415 - the SDK is imported only for a bucket

    return bucket_for_workers(subject.store, config, host, subject.started)


def run(wanted: Session) -> int:
    """Be in the session until it ends; the exit code of its program. Raises EngineError."""
    remove_leftovers(wanted.host.client, wanted.host.url)  # of sessions that were killed
    with translated("open a session in a container", wanted.host.url):
        container_id = _created(wanted)
        try:
            return _attended(wanted, container_id)
        finally:
            with suppress(docker.errors.APIError):
                wanted.host.client.api.remove_container(container_id, v=True, force=True)


def _attended(wanted: Session, container_id: str) -> int:
    api = wanted.host.client.api
    attached = Attached(wanted.host.client, container_id)
    on_terminal = terminal.is_terminal()
    if not on_terminal and not attached.can_end_input:
        attached.close()
        raise EngineError(
            f"a session on the host `{wanted.host.name}` needs a terminal: over TLS its input has no end",
            "call `dockerflow debug` in a terminal",
        )
    api.start(container_id)
    if wanted.bucket is not None:
        command = [wanted.step.python or PYTHON, "-B", wanted.place.program, wanted.place.told, "broker"]
        answering(InContainer(Executed(wanted.host.client, container_id, command)), wanted.bucket.answer)

    def resize(lines: int, columns: int) -> None:
        with suppress(docker.errors.APIError):  # it has ended
            api.resize(container_id, lines, columns)

    if on_terminal:
        resize(*terminal.size())
        with terminal.raw():
            terminal.connect(attached, resize)
    else:
        terminal.connect(attached, None)
    return int(api.wait(container_id)["StatusCode"])


def _created(wanted: Session) -> str:
    host, api = wanted.host, wanted.host.client.api
    request = _request(wanted)
    options = host_options(request, "" if host.about.is_podman else host.user, host.cpus, host.memory)
    options["auto_remove"] = False  # how it ended is asked for first
    if wanted.sees_folders:
        options["mounts"].append(Mount(str(CODE), str(wanted.code.folder), type="bind", read_only=True))
    for target, folder in wanted.jupyter.items():
        options["mounts"].append(Mount(target, str(folder), type="bind", read_only=True))
    if wanted.wanted.jupyter is not None:
        port = wanted.wanted.jupyter.port
        options["port_bindings"] = {port: ("127.0.0.1", port)}
    worker = container(request, host.user, api.create_host_config(**options))
    container_id = str(api.create_container(**_interactive(wanted, worker))["Id"])
    try:
        api.put_archive(container_id, str(WORK), _files(wanted))
    except BaseException:
        with suppress(docker.errors.APIError):
            api.remove_container(container_id, v=True, force=True)
        raise
    return container_id


def _interactive(wanted: Session, worker: Mapping[str, Any]) -> dict[str, Any]:
    """In place of what a worker has: the program, and a terminal where the user sits at one."""
    words = [wanted.step.python or PYTHON, "-B", wanted.place.program, wanted.place.told]
    words += [] if wanted.wanted.way == "python" else [wanted.wanted.way]
    on_terminal = terminal.is_terminal()
    environment = {
        **worker["environment"],
        "DOCKERFLOW_USER": wanted.subject.started.user,
        "HOME": str(WORK / OPEN),
        "TMPDIR": str(WORK / OPEN),
        **({"TERM": os.environ.get("TERM", "xterm")} if on_terminal else {}),
    }
    # Through the entry point of an image of ours, which activates the environment.
    called = {"command": words} if wanted.step.lock else {"entrypoint": words[:1], "command": words[1:]}
    ports = {"ports": [wanted.wanted.jupyter.port]} if wanted.wanted.jupyter is not None else {}
    left = {name: value for name, value in worker.items() if name not in ("command", "entrypoint", "detach")}
    return {**left, **called, **ports, "environment": environment, "tty": on_terminal}


def _request(wanted: Session) -> WorkerRequest:
    """As for a worker of the step: it says what is mounted, and what is in the environment."""
    subject, store = wanted.subject, wanted.subject.store
    folder = store if isinstance(store, DirectoryStore) else None
    own = None if wanted.step.lock else OwnPython(wanted.step.python, wanted.step.python_version, (str(WORK), str(TMP)))
    return WorkerRequest(
        worker_id=0,
        name=f"dockerflow-debug-{uuid.uuid4().hex[:12]}",
        image=wanted.image,
        labels={makers.DEBUG: makers.this_process()},
        flow_name=subject.started.flow,
        flow_file=wanted.code.flow_file,
        code=subject.started.code,
        blobs=folder.blobs.root if folder else None,
        outbox=store.scratch,  # not mounted
        runs=folder.root / "runs" if folder else None,
        bucket=wanted.bucket,
        network=wanted.network,
        own=own,
        mounts=False,
    )


def _files(wanted: Session) -> bytes:
    place = wanted.place
    files = session_files(wanted.subject, wanted.wanted, wanted.code, place)
    found = {f"{SESSION}/{name}": content for name, content in files.items()}
    if not wanted.sees_folders:
        found.update(archive(wanted.code, f"{SESSION}/user-code"))
    return packed(found, [(OPEN, 0o1777), (SESSION, 0o755)], wanted.host.user)
