"""What a worker's container is made of and what it may not do, as the engine's API wants it said.

A step runs code that its user did not write, so it gets as little as it needs: a user that is not root, no capability
and no way to get one, a root file system that cannot be written, and of the store the blobs and the runs, which it
cannot change, and an outbox of its own. Of a store in a bucket it gets nothing here but its name, and on an engine of
another machine its outbox is a folder among those that it works in. Nothing secret goes in here: whoever may use the
engine can read it with `docker inspect`.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from docker.types import Mount

from dockerflow import confinement
from dockerflow.confinement import UNPRIVILEGED
from dockerflow.engines.command import Place, worker_command
from dockerflow.engines.gpu import device_requests
from dockerflow.engines.worker import WorkerRequest
from dockerflow.images.image import PREFIX

BLOBS = PurePosixPath("/dockerflow/blobs")
OUTBOX = PurePosixPath("/dockerflow/outbox")
STORE = BLOBS.parent  # as the client sees it: with blobs and runs, and nothing else
RUNS = STORE / "runs"
WORK = PurePosixPath("/work")
TMP = PurePosixPath("/tmp")
PYTHON = f"{PREFIX}/bin/python"

# In an image that has no `/work` for every user, the volume there is root's: below it there is a folder for the worker.
# (What a volume's own mode is cannot be said on every engine.)
OPEN = "open"

# In the folder where a worker works, if nothing is mounted there.
OWN_OUTBOX = "outbox"

_MIB = 1 << 20


def container(
    request: WorkerRequest, user: str, host_config: Mapping[str, Any], python: str = PYTHON
) -> dict[str, Any]:
    """The arguments of the SDK's `create_container`. `python` is the one in images of ours."""
    work = place_of_work(request)
    return {
        "image": request.image,
        **_program(request, work, python),
        "name": request.name,
        "labels": dict(request.labels),
        "user": user,
        "environment": _environment(user, work)
        | _store(request)
        | _temporary(request, work)
        | dict(request.environment),
        "working_dir": str(WORK),
        "stdin_open": True,
        # Not detached this is also `StdinOnce`: the worker's stdin ends when the client goes away.
        "detach": lasts(request),
        "host_config": host_config,
        # Otherwise the SDK puts the `proxies` of docker's config.json there, perhaps with a password.
        "use_config_proxy": False,
    }


def lasts(request: WorkerRequest) -> bool:
    """Whether the worker outlasts the connection to it: from here to a remote engine, to which nothing is mounted."""
    return not request.mounts


def place_of_work(request: WorkerRequest) -> PurePosixPath:
    """The folder in which the worker has its tasks work."""
    return WORK / OPEN if _is_closed(request, WORK) else WORK


def place_of_outbox(request: WorkerRequest) -> PurePosixPath:
    """The folder that its tasks write to for the store; the worker makes it where it is none of ours."""
    return OUTBOX if request.mounts else place_of_work(request) / OWN_OUTBOX


def opening() -> bytes:
    """A tar to unpack in WORK: a folder in which every user may write."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        folder = tarfile.TarInfo(OPEN)
        folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
        archive.addfile(folder)
    return buffer.getvalue()


def _is_closed(request: WorkerRequest, folder: PurePosixPath) -> bool:
    return request.own is not None and str(folder) in request.own.closed


def _program(request: WorkerRequest, work: PurePosixPath, python: str) -> dict[str, Any]:
    """Through the entry point of an image of ours, which activates the environment. Another's is for another purpose,
    and so is its check of health.
    """
    blobs, outbox = None if request.blobs is None else BLOBS, place_of_outbox(request)
    how = "lasting" if lasts(request) else "container"
    if request.own is None:
        return {"command": worker_command(request, Place(how, python, blobs, outbox, work))}
    command = worker_command(request, Place(how, request.own.path, blobs, outbox, work))
    return {"entrypoint": command[:1], "command": command[1:], "healthcheck": {"test": ["NONE"]}}


def host_options(request: WorkerRequest, tmp_owner: str, cpus: int, memory: int) -> dict[str, Any]:
    """The arguments of the SDK's `create_host_config`, on an engine with `cpus` cores and `memory` bytes. `tmp_owner`
    is the user; empty where the engine cannot give a `/tmp` in memory to somebody.
    """
    return {
        "auto_remove": True,  # with the anonymous volumes
        **confinement.options(),
        "mounts": [
            *([Mount(str(BLOBS), str(request.blobs), type="bind", read_only=True)] if request.blobs else []),
            *([Mount(str(RUNS), str(request.runs), type="bind", read_only=True)] if request.runs else []),
            *([Mount(str(OUTBOX), str(request.outbox), type="bind")] if request.mounts else []),
            # Anonymous volumes take owner and mode from the image's folders.
            Mount(str(WORK), None, type="volume"),
            *([] if _is_closed(request, TMP) else [Mount(str(TMP), None, type="volume")]),
        ],
        **_tmpfs(request, tmp_owner),
        # No init: it would hold the worker's streams too, and a task could open them below `/proc/1/fd`. The worker
        # takes leave of orphans itself.
        "init": False,
        "network_mode": request.network,
        # The worker's output is a protocol for us alone; a log file of it would only grow.
        "log_config": {"type": "none"},
        # Docker's own 64 MiB are too few for what shares arrays between processes. It counts as memory of the
        # container.
        "shm_size": _shared_memory(request, memory),
        **_limits(request, cpus),
    }


def _shared_memory(request: WorkerRequest, memory: int) -> int:
    if request.shared_memory:
        return request.shared_memory * _MIB
    return request.memory * _MIB if request.memory else memory // 2


def _store(request: WorkerRequest) -> dict[str, str]:
    """Of a bucket no more than its name: how to get there comes over the worker's standard input."""
    if request.bucket:
        return {"DOCKERFLOW_STORE": request.bucket.name, "DOCKERFLOW_OUTBOX": str(place_of_outbox(request))}
    return {"DOCKERFLOW_STORE": str(STORE), "DOCKERFLOW_OUTBOX": str(OUTBOX)} if request.runs else {}


def _temporary(request: WorkerRequest, work: PurePosixPath) -> dict[str, str]:
    """Files go where there is more room than in memory."""
    return {"TMPDIR": str(work)} if _is_closed(request, TMP) else {}


def _tmpfs(request: WorkerRequest, owner: str) -> dict[str, Any]:
    """A `/tmp` in memory where the image's is not for every user. It takes over the mode of one that is there, whatever
    is asked for, but not its owner.
    """
    if not _is_closed(request, TMP):
        return {}
    uid, _, gid = owner.partition(":")
    return {"tmpfs": {str(TMP): f"mode=1777,exec,uid={uid},gid={gid}" if owner else "mode=1777,exec"}}


def _limits(request: WorkerRequest, cpus: int) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    if request.cpu:
        # Asking for more cores than there are is an error of the engine's, and means all of them.
        limits["nano_cpus"] = int(min(request.cpu, cpus) * 1e9)
    if request.memory:
        limits["mem_limit"] = limits["memswap_limit"] = request.memory * _MIB  # the sum of both: no swap
    if request.gpu:
        limits["device_requests"] = device_requests(request.gpu, request.gpus)
    return limits


def _environment(user: str, work: PurePosixPath) -> dict[str, str]:
    """The image knows no name for the user, and Python's `getpass` and many libraries want one.

    A fixed hash seed makes sets iterate, and so be stored, in the same order in every run.
    """
    name = "nobody" if user == UNPRIVILEGED else "dockerflow"
    return {"HOME": str(work), "USER": name, "LOGNAME": name, "PYTHONHASHSEED": "0"}
