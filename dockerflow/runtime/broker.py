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
        self._over = False  # the scheduler is gone
        self._selector: Optional[selectors.BaseSelector] = None
        self._socket = _moved(sockets.listen(self.path, MOST))

    def listen(self, selector: selectors.BaseSelector) -> None:
        """From now on with this selector; who has connected before stays connected."""
        before, self._selector = self._selector, selector
        for descriptor, events, ready in [
            (self._socket.fileno(), selectors.EVENT_READ, self._accept),
            *((each.descriptor, each.events, each.ready) for each in self._connections.values()),
        ]:
            if before is not None:
                before.unregister(descriptor)
            selector.register(descriptor, events, ready)

    def answered(self, message: Answered) -> None:
        if message.answer.access is not None:
            self.access = message.answer.access
        connection = self._asking.pop(message.number, None)
        if connection is not None:
            connection.answer(to_json(message.answer).encode() + b"\n")

    def ask(self, connection: _Connection, question: Question) -> None:
        self._number += 1
        self._asking[self._number] = connection
        try:
            self._channel.send(Ask(self._number, question))
        except BrokenPipeError:
            self._over = True
        if self._over:
            self._let_go()

    def watch(self, connection: _Connection) -> None:
        """For what it waits for by now."""
        if self._selector is not None:
            self._selector.modify(connection.descriptor, connection.events, connection.ready)

    def forget(self, connection: _Connection) -> None:
        if self._connections.get(connection.descriptor) is not connection:
            return  # its descriptor may be another's by now
        del self._connections[connection.descriptor]
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

    def _let_go(self) -> None:
        """Of all who wait for an answer: who waited for ever would keep the worker."""
        for connection in list(self._asking.values()):
            self.forget(connection)

    def _receive(self, selector: selectors.BaseSelector) -> None:
        received = self._channel.receive()
        if received is None:  # whoever reads after us finds the end as well
            selector.unregister(self._channel.incoming)
            self._over = True
            self._let_go()
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
        self._leaving = b""  # what is still to be sent of an answer
        self._waits = False
        self.descriptor = self._socket.fileno()

    @property
    def events(self) -> int:
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if self._leaving else 0)

    def ready(self) -> None:
        if self._leaving and not self._send():
            return
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
        """Nobody waits for one who does not read what it has asked for. An answer may be longer than the kernel takes
        at once: all authorities that a machine trusts are a quarter MiB."""
        self._waits = False
        self._leaving = line
        if self._send() and self._leaving:
            self._broker.watch(self)

    def _send(self) -> bool:
        """Send what the kernel takes; False for one that is gone."""
        before = len(self._leaving)
        try:
            self._leaving = self._leaving[self._socket.send(self._leaving) :]
        except BlockingIOError:
            return True
        except OSError:
            self._broker.forget(self)
            return False
        if before and not self._leaving:
            self._broker.watch(self)
        return True

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
