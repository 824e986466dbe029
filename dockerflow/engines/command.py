"""How a worker is started: the same bootstrap with the same arguments on every engine."""

from __future__ import annotations

from importlib.resources import files
from pathlib import PurePath

from dockerflow.engines.worker import WorkerRequest

_BOOTSTRAP = files("dockerflow.runtime").joinpath("bootstrap.py")


def worker_command(python: str, request: WorkerRequest, blobs: PurePath, outbox: PurePath, work: PurePath) -> list[str]:
    """The three folders are those that the worker sees, which are others than ours when it runs in a container."""
    text = _BOOTSTRAP.read_text(encoding="utf-8")
    folders = [str(blobs), str(outbox), str(work)]
    return [python, "-c", text, request.code, *folders, request.flow_file, request.flow_name]
