"""Connections that wait for the next request.

A connection belongs to the process that made it: after a fork the child would read the parent's answers, so it closes
its copies and makes its own. No lock is held at any time: a fork while another thread holds one would keep it for ever.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Deque, Optional

from dockerflow.store.errors import StoreError
from dockerflow.store.s3.place import Origin, Place, origin_of
from dockerflow.store.s3.wire import Connection

if TYPE_CHECKING:
    import ssl

# A connection that nobody needs is kept for the next; as many as threads may ask at once.
KEPT = 16


class Connections:
    """`ca` is text in PEM: what is trusted in place of the machine's own list."""

    def __init__(self, ca: Optional[str], silence: float) -> None:
        self._ca = ca
        self._silence = silence
        self._idle: Deque[Connection] = deque()

    def take(self, origin: Origin) -> Connection:
        """One that waits, or a new one. Raises Broken and Untrusted."""
        while True:
            try:
                found = self._idle.pop()
            except IndexError:
                return Connection(origin, trusting(self._ca) if origin.tls else None, self._silence)
            if found.pid == os.getpid() and found.origin == origin and found.is_idle():
                return found
            found.close()

    def give_back(self, connection: Connection) -> None:
        if connection.is_open and len(self._idle) < KEPT:
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


@lru_cache(maxsize=4)
def trusting(ca: Optional[str]) -> ssl.SSLContext:
    """Made once: all authorities that a machine trusts take 25 ms to be read. A process that is forked has it, too."""
    import ssl  # noqa: PLC0415  # only where it is used: it costs 10 ms

    try:
        return ssl.create_default_context(cadata=ca)
    except (ssl.SSLError, ValueError) as error:
        hint = "the setting `s3_ca` names a file of certificates in PEM"
        raise StoreError(f"the certificates to trust a server by cannot be read: {error}", hint) from error


def get_ready(place: Place) -> None:
    """For processes that will be forked from this one and connect to `place`."""
    if origin_of(place.endpoint).tls:
        with suppress(StoreError):  # who connects is told
            trusting(place.ca)
