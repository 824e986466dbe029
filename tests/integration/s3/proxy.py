"""A TCP proxy before a real server, whose connections a test breaks.

`plans` has one plan for each connection in the order in which they come; when they are used up, or none was made,
everything passes.
"""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

PIECE = 1 << 14


@dataclass(frozen=True)
class Plan:
    """After how many bytes of the server's answers, or of the client's requests, the connection ends.

    With `reset` it is torn, otherwise closed in order. `mute`: it stays open and nothing more comes.
    """

    answers: int | None = None
    requests: int | None = None
    reset: bool = False
    mute: bool = False


@dataclass
class Proxy:
    target: tuple[str, int]
    plans: deque[Plan] = field(default_factory=deque)
    taken: int = 0  # connections so far

    def __post_init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._threads[0].join()
        self.cut()
        for thread in self._threads[1:]:
            thread.join()

    def cut(self) -> None:
        """End every connection that there is."""
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            self.taken += 1
            plan = self.plans.popleft() if self.plans else Plan()
            server = socket.create_connection(self.target)
            self._open += [client, server]
            thread = threading.Thread(target=Pair(client, server, plan).carry, daemon=True)
            self._threads.append(thread)
            thread.start()


class Pair:
    """A connection through the proxy, carried by one thread: a socket that another reads from would not be torn."""

    def __init__(self, client: socket.socket, server: socket.socket, plan: Plan) -> None:
        self.client, self.server = client, server
        self.plan = plan
        self.left = {server: plan.answers, client: plan.requests}

    def carry(self) -> None:
        with self.client, self.server, suppress(OSError):
            while self._is_on():
                pass

    def _is_on(self) -> bool:
        ready, _, _ = select.select([each for each, left in self.left.items() if left != 0], [], [])
        for source in ready:
            target, left = self.server if source is self.client else self.client, self.left[source]
            piece = source.recv(PIECE if left is None else min(PIECE, left))
            if not piece:
                return False
            target.sendall(piece)
            if left is not None:
                self.left[source] = left - len(piece)
                if left == len(piece):
                    return self._is_mute()
        return True

    def _is_mute(self) -> bool:
        if self.plan.reset:
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return self.plan.mute


@contextmanager
def proxy_of(port: int, *plans: Plan) -> Iterator[Proxy]:
    proxy = Proxy(("127.0.0.1", port), deque(plans))
    try:
        yield proxy
    finally:
        proxy.close()
