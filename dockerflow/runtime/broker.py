"""Pass on what a step's processes ask of the bucket to the scheduler, and its answers back.

In the worker: it alone can talk to the scheduler. Who may connect to the socket is who runs in the container as its
user; what they may have, the scheduler decides, here nothing is believed and nothing kept but the latest access, which
every task begins with. While the flow is imported a thread does this (a flow may read the store then, or start a
program that does), afterwards the worker's own loop, since a process with threads is not one to fork from.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
from contextlib import contextmanager, suppress
from typing import Dict, Iterator, Optional

from dockerflow.runtime.channel import Channel, private
from dockerflow.runtime.messages import Answered, Ask, from_json, to_json
from dockerflow.store import sockets
from dockerflow.store.s3.access import Access, Question
from dockerflow.store.s3.line import LONGEST

# Who asks at the same time: a task and the processes that it has started.
MOST = 256

_READ = 64 * 1024


class Broker:
    """Listens at `path`. Somebody must call `listen` with a selector whose keys' data are called, and `answered`."""

    def __init__(self, folder: str, channel: Channel) -> None:
        self.path = os.path.join(folder, "broker")
        self.access: Optional[Access] = None
        self._channel = channel
        self._asking: Dict[int, _Connection] = {}  # by the number of the question
        self._connections: Dict[int, _Connection] = {}  # by descriptor
        self._number = 0
        self._selector: Optional[selectors.BaseSelector] = None
        self._socket = _moved(sockets.listen(self.path, MOST))

    def listen(self, selector: selectors.BaseSelector) -> None:
        """From now on with this selector; who has connected before stays connected."""
        before, self._selector = self._selector, selector
        for descriptor, ready in [
            (self._socket.fileno(), self._accept),
            *((each.descriptor, each.ready) for each in self._connections.values()),
        ]:
            if before is not None:
                before.unregister(descriptor)
            selector.register(descriptor, selectors.EVENT_READ, ready)

    def answered(self, message: Answered) -> None:
        if message.answer.access is not None:
            self.access = message.answer.access
        connection = self._asking.pop(message.number, None)
        if connection is not None:
            connection.answer(to_json(message.answer).encode() + b"\n")

    def ask(self, connection: _Connection, question: Question) -> None:
        self._number += 1
        self._asking[self._number] = connection
        self._channel.send(Ask(self._number, question))

    def forget(self, connection: _Connection) -> None:
        if self._connections.pop(connection.descriptor, None) is None:
            return
        for number in [number for number, each in self._asking.items() if each is connection]:
            del self._asking[number]
        if self._selector is not None:
            self._selector.unregister(connection.descriptor)
        connection.close()

    def close_in_child(self) -> None:
        self._socket.close()
        for connection in self._connections.values():
            connection.close()

    @contextmanager
    def in_thread(self) -> Iterator[None]:
        """Until the end of the `with`, by a thread."""
        stop, stopper = os.pipe()
        with selectors.DefaultSelector() as selector:
            selector.register(stop, selectors.EVENT_READ, None)
            selector.register(self._channel.incoming, selectors.EVENT_READ, lambda: self._receive(selector))
            self.listen(selector)
            thread = threading.Thread(target=_serve, args=(selector,), name="dockerflow-broker", daemon=True)
            thread.start()
            try:
                yield
            finally:
                os.close(stopper)
                thread.join()
                os.close(stop)
                # Registered with nobody until the next `listen`.
                self._selector = None

    def _receive(self, selector: selectors.BaseSelector) -> None:
        received = self._channel.receive()
        if received is None:  # whoever reads after us finds the end as well
            selector.unregister(self._channel.incoming)
        for message in received or ():
            if isinstance(message, Answered):
                self.answered(message)

    def _accept(self) -> None:
        with suppress(BlockingIOError, ConnectionError):  # it has gone again
            accepted, _ = self._socket.accept()
            connection = _Connection(self, accepted)
            if len(self._connections) >= MOST or self._selector is None:
                connection.close()
                return
            self._connections[connection.descriptor] = connection
            self._selector.register(connection.descriptor, selectors.EVENT_READ, connection.ready)


class _Connection:
    """Somebody who asks one question at a time."""

    def __init__(self, broker: Broker, accepted: socket.socket) -> None:
        self._broker = broker
        self._socket = _moved(accepted)
        self._received = bytearray()
        self._waits = False
        self.descriptor = self._socket.fileno()

    def ready(self) -> None:
        try:
            received = self._socket.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        self._received += received
        if not received or self._waits or len(self._received) > LONGEST:  # gone, or not keeping to the rules
            self._broker.forget(self)
        elif received.endswith(b"\n"):
            self._ask()

    def answer(self, line: bytes) -> None:
        """Who does not read what it has asked for is let go: nobody waits for it."""
        self._waits = False
        try:
            whole = self._socket.send(line) == len(line)
        except OSError:
            whole = False
        if not whole:
            self._broker.forget(self)

    def close(self) -> None:
        self._socket.close()

    def _ask(self) -> None:
        try:
            question: Question = from_json(Question, bytes(self._received))
        except ValueError:
            self._broker.forget(self)
            return
        self._received.clear()
        self._waits = True
        self._broker.ask(self, question)


def _serve(selector: selectors.BaseSelector) -> None:
    while True:
        for key, _ in selector.select():
            if key.data is None:
                return
            key.data()


def _moved(before: socket.socket) -> socket.socket:
    """The same socket at a descriptor of the worker's own, non-blocking."""
    moved = socket.socket(before.family, before.type, fileno=private(before.fileno()))
    before.close()
    moved.setblocking(False)
    return moved
