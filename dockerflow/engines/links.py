"""Ways to the engine of a remote host, as its watch uses them: `connect` once, then `look` again and again."""

from __future__ import annotations

from collections.abc import Callable

import docker

from dockerflow.engines.address import Address, SshPlace
from dockerflow.engines.boundary import FOREIGN, translate
from dockerflow.engines.errors import EngineError, HostNotReached
from dockerflow.engines.sockets import unix_client
from dockerflow.engines.tunnel import Tunnel

# How long an engine may take to say that it is there, in seconds.
PING = 10.0


class Direct:
    """By TCP, or by a socket of this machine. `make` connects, and raises what the SDK raises."""

    def __init__(self, address: Address, make: Callable[[], docker.DockerClient]) -> None:
        self._address = address
        self._make = make
        self._client: docker.DockerClient | None = None

    def connect(self) -> docker.DockerClient:
        """Raises HostNotReached, EngineTooOld or EngineError."""
        try:
            self._client = self._make()
        except FOREIGN as error:
            raise translate(error, "reach its engine", self._address) from error
        return self._client

    def when_broken(self, tell: Callable[[], None]) -> None:
        """What breaks here is not noticed before somebody looks."""

    def look(self) -> str | None:
        if self._client is None:
            raise ValueError("`connect` comes first")
        try:
            _ping(self._client)
        except FOREIGN as error:
            self._client.api.close()  # connections that wait for their next use lead nowhere
            return _reason(translate(error, "reach its engine", self._address))
        return None

    def close(self) -> None:
        """Whoever has the client closes that."""


class Tunnelled:
    """By ssh."""

    def __init__(self, address: Address, place: SshPlace) -> None:
        self._tell: Callable[[], None] | None = None
        self._tunnel = Tunnel(address.host, place, self._broken)
        self._direct = Direct(address, lambda: unix_client(str(self._tunnel.socket)))

    def connect(self) -> docker.DockerClient:
        """Raises HostNotReached, EngineTooOld or EngineError."""
        self._tunnel.open()
        try:
            return self._direct.connect()
        except EngineError as error:
            raise (self._tunnel.trouble() or error) from error

    def when_broken(self, tell: Callable[[], None]) -> None:
        """Have it told, from any thread, when ssh ends by itself."""
        self._tell = tell

    def look(self) -> str | None:
        try:
            self._tunnel.open()
        except EngineError as error:
            return _reason(error)
        self._tunnel.forget()
        reason = self._direct.look()
        trouble = self._tunnel.trouble() if reason else None
        return trouble.reason if trouble else reason

    def close(self) -> None:
        self._tunnel.close()

    def _broken(self) -> None:
        if self._tell is not None:
            self._tell()


def _ping(client: docker.DockerClient) -> None:
    """As the SDK's, which waits a minute."""
    client.api.get(f"{client.api.base_url}/_ping", timeout=PING).raise_for_status()


def _reason(error: EngineError) -> str:
    return error.reason if isinstance(error, HostNotReached) else error.message
