"""What must be known of a remote host to give its engine images: a value, made by whoever connects to hosts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from docker import DockerClient

from dockerflow.lazy_dataclasses import dataclass

if TYPE_CHECKING:
    from dockerflow.images.provide import ImageProvider

# The sockets of this machine, to which nothing is compressed: there is no wire.
_SOCKETS = ("unix://", "npipe://", "http+unix://")


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Remote:
    """A host called `name` in the configuration, reached by `url`, whose engine runs containers of `platform`.

    `wait_until_back` is called when the connection was lost: it has the host looked at, waits, and says whether it
    answers again. With
    `registry` (`host[:port][/prefix]`) the host takes images from there. `here` provides images for the engine of this
    machine: what it has of the same architecture is used for the host's, too, so that both get the same image. Without
    it, the base comes from the host and modules are compiled there.
    """

    name: str
    client: DockerClient
    url: str
    platform: str
    wait_until_back: Callable[[], bool] = _never
    registry: str | None = None
    here: ImageProvider | None = None

    @property
    def is_by_wire(self) -> bool:
        return not self.url.startswith(_SOCKETS)
