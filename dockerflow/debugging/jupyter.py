"""Where Jupyter listens that a session begins, and who may open it."""

from __future__ import annotations

import secrets
import socket
from contextlib import closing

from dockerflow.lazy_dataclasses import dataclass

# What Jupyter reads its token from.
TOKEN = "JUPYTER_TOKEN"


@dataclass(frozen=True)
class Listening:
    """At `port` of this machine's loopback, for who has the `token`; `inside` is the address that it takes itself, and
    `beside` the folders there that have server and kernel, where the image has none."""

    port: int
    token: str
    inside: str = "127.0.0.1"
    beside: tuple[str, str] = ("", "")

    @property
    def told(self) -> tuple[str, int, str, tuple[str, str]]:
        """What the session needs to know; the token it has from its environment."""
        return self.inside, self.port, TOKEN, self.beside


def listening() -> Listening:
    """At a port that is free at this moment: it is the same inside a container, so that what Jupyter says is true."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return Listening(free.getsockname()[1], secrets.token_hex(16))
