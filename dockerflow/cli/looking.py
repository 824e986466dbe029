"""Values as the images of the steps that wrote them show them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from dockerflow.cli.places import config_here
from dockerflow.client.task import Task
from dockerflow.store.base import Store
from dockerflow.store.manifest import ArtifactRef


@contextmanager
def in_images(store: Store) -> Iterator[Callable[[str, ArtifactRef], str]]:
    """The text of an artifact of the task with a pathspec. Nothing is unpickled here; one container for each step is
    asked for all."""
    from dockerflow.client import writers
    from dockerflow.in_image.session import session
    from dockerflow.in_image.values import Place, Question

    with ExitStack() as stack:
        asked: dict[str, Callable[[Question], str]] = {}

        def text(pathspec: str, ref: ArtifactRef) -> str:
            place: Place = writers.place_of(Task(pathspec, None, store, False), ref)
            if place.pathspec not in asked:
                asked[place.pathspec] = stack.enter_context(session(place, config_here(), _tell))
            return asked[place.pathspec](Question(ref))

        yield text


def _tell(text: str) -> None:
    print(f"note: {text}", file=sys.stderr, flush=True)
