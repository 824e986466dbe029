"""Which task made an artifact that others have passed on, and a look at it in that step's image.

Standard library only, Python 3.7: `in_image`, which containers do not have, is imported when it is asked for.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import Any

from dockerflow.client.errors import ClientError, NotFound
from dockerflow.store.errors import StoreError
from dockerflow.store.manifest import ArtifactRef
from dockerflow.store.records import StepRecord


def writer_of(task: Any, ref: ArtifactRef) -> Any:
    """The task that made an artifact of `task`, or the nearest to it that is still known. What a resumed run took over
    is of the run that it was computed in."""
    known = task
    # What is gone, a run or the artifacts of a task, is passed by: the step of the same name had the same image.
    with suppress(NotFound, StoreError, StopIteration):
        while ref.step and known.parent.id != ref.step:
            known = next(each for each in known.parent_tasks if each._refs().get(ref.name) == ref)
    with suppress(NotFound, StoreError):
        while known.origin_pathspec:
            origin = type(known)._named(tuple(known.origin_pathspec.split("/")), known._scope)
            origin._look()
            known = origin
    return known


def place_of(task: Any, ref: ArtifactRef) -> Any:
    """Where an artifact of `task` was written, as `in_image.values.Place`."""
    writer = writer_of(task, ref)
    source = writer._source
    step = source.history.steps.get(ref.step or writer.parent.id, StepRecord(ref.step, ()))
    return _in_image("values").Place(writer._store, source.begun, step)


def look(task: Any, ref: ArtifactRef, expression: str) -> Any:
    """The value of an expression over an artifact of `task`, in the image of the step that wrote it."""
    question = _in_image("values").Question(ref, expression)
    return _in_image("session").look(place_of(task, ref), question)


def _in_image(module: str) -> Any:
    try:
        return import_module(f"dockerflow.in_image.{module}")
    except ModuleNotFoundError as error:
        raise ClientError(
            f"an artifact cannot be opened in another image here: `{error.name}` is missing",
            "open it where dockerflow is installed and reaches a Docker engine; a step has neither",
        ) from error
