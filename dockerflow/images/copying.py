"""Send a remote host a whole image that the engine of this machine has: `docker save | docker load`, by wire.

For images that were not made here, of which nobody knows how their layers lie in an archive: a base image for a look,
and those that steps bring along. They are sent in one piece, compressed as the host takes it; after a cut that piece is
sent again. Who sends has its turn (`turns`), so that steps, runs and processes do not send the same at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from docker import DockerClient

from dockerflow.images.engine import explaining_engine, inspect, is_whole, stream
from dockerflow.images.errors import OwnImageError
from dockerflow.images.far import FarEngine
from dockerflow.images.load import check_answer
from dockerflow.images.wire import encoded

_BLOCK = 1 << 20

# Told how many bytes of the archive have gone, before they were compressed.
Gone = Callable[[int], None]


def copy(here: DockerClient, far: FarEngine, name: str, gone: Gone = lambda size: None) -> Mapping[str, Any]:
    """What the host's engine says of the image then. Raises ImageError."""
    return far.surely(lambda: _in_turn(here, far, name, gone))


def there(here: DockerClient, client: DockerClient, name: str) -> Mapping[str, Any] | None:
    """What another engine says of the image that the one here calls so; None if it has not the same. A digest by which
    a registry knows an image is not sent with it.
    """
    ours = inspect(here, name)
    found = None if ours is None else inspect(client, name) or inspect(client, str(ours["Id"]))
    return found if found is not None and is_whole(found) else None


def _in_turn(here: DockerClient, far: FarEngine, name: str, gone: Gone) -> Mapping[str, Any]:
    client, action = far.remote.client, f"sending it the image `{name}`"
    with far.turns.turn() as turn, explaining_engine(action, OwnImageError):
        found = there(here, client, name)
        if found is not None:
            return found
        turn.forget()
        with stream(here, "GET", f"/images/{name}/get") as saved:
            archive = encoded(_counted(saved.iter_content(_BLOCK), gone), far.encoding, lambda size: None)
            headers = {"Content-Type": "application/x-tar"}
            answer = stream(client, "POST", "/images/load", params={"quiet": "1"}, data=archive, headers=headers)
            check_answer(answer.iter_lines(), action)
        found = there(here, client, name)
    if found is None:
        raise OwnImageError(f"the engine took the image `{name}` and does not have it")
    return found


def _counted(blocks: Iterator[bytes], gone: Gone) -> Iterator[bytes]:
    size = 0
    for block in blocks:
        yield block
        size += len(block)
        gone(size)
