"""How a worker is started: the same bootstrap with the same arguments on every engine."""

from __future__ import annotations

from importlib.resources import files
from pathlib import PurePath

from dockerflow.engines.worker import WorkerRequest
from dockerflow.lazy_dataclasses import dataclass

_BOOTSTRAP = files("dockerflow.runtime").joinpath("bootstrap.py")


@dataclass(frozen=True)
class Place:
    """Where a worker runs, as it sees it: in a container these are other folders than ours."""

    engine: str  # `container`, `lasting` or `process`
    python: str
    blobs: PurePath | None  # None: in a bucket
    outbox: PurePath
    work: PurePath


def worker_command(request: WorkerRequest, place: Place) -> list[str]:
    text = _BOOTSTRAP.read_text(encoding="utf-8")
    folders = ["" if place.blobs is None else str(place.blobs), str(place.outbox), str(place.work)]
    how = [place.engine, request.name] if place.engine == "lasting" else [place.engine]
    return [place.python, "-c", text, request.code, *folders, request.flow_file, request.flow_name, *how]
