"""Take large blobs from workers while their tasks write them, see `store.delivery`.

Whoever can connect may make us write bytes of its own under their true hash, which is what an outbox is for as well;
nothing that it says is believed but how many bytes it is about to send. Nobody is waited for in silence, and nobody
has to wait for another: whose turn it is not is sent away, and writes to its outbox instead.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from dockerflow.engines.watch import Tell
from dockerflow.engines.worker import Host, Notify, Said, Worker, WorkerEnded, WorkerRequest
from dockerflow.host_settings import HostSettings
from dockerflow.scheduler import arriving
from dockerflow.store import files, sockets
from dockerflow.store.base import Store
from dockerflow.store.blobs import Blobs
from dockerflow.store.delivery import NAME, SIZE
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import StoreError

# Deliveries at the same time from one worker, whose task delivers one after the other.
MOST = 8

# What must be free on the disk besides, in bytes. What fills it goes to the outbox, which is deleted with its run: that
# makes room for the run's last record.
ROOM = 16 << 20

# How long a delivery may stand still, in seconds.
PATIENCE = 60.0


class Receiver:
    """Listens in one worker's outbox until it is closed, and puts into `blobs` what is delivered."""

    def __init__(self, outbox: Path, blobs: Blobs, patience: float = PATIENCE) -> None:
        """Raises OSError where there can be no socket."""
        self._blobs, self._patience = blobs, patience
        path = outbox / NAME
        path.unlink(missing_ok=True)  # of a worker that could not be started
        self._listening = sockets.listen(str(path), MOST)
        if os.geteuid() == 0:
            owner = outbox.stat()
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
        self._lock = threading.Lock()
        self._closed = False
        self._deliveries: dict[socket.socket, threading.Thread] = {}
        self._accepting = threading.Thread(target=self._accept, name="receive", daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """Listen no more, and break off what is being delivered. Does not wait."""
        with self._lock:
            self._closed = True
            for each in (self._listening, *self._deliveries):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def join(self) -> None:
        """After `close`: wait until nothing is written any more."""
        self._accepting.join()
        with self._lock:
            left = list(self._deliveries.values())
        for thread in left:
            thread.join()

    def _accept(self) -> None:
        with self._listening:
            while True:
                try:
                    connection, _ = self._listening.accept()
                except OSError:
                    return
                self._begin(connection)

    def _begin(self, connection: socket.socket) -> None:
        thread = threading.Thread(target=self._take, args=(connection,), name="delivery", daemon=True)
        with self._lock:
            if self._closed or len(self._deliveries) >= MOST:
                connection.close()
                return
            self._deliveries[connection] = thread
        thread.start()

    def _take(self, connection: socket.socket) -> None:
        """A delivery that fails is broken off, whatever the reason: its sender learns that from the broken connection,
        and tries by its outbox, which says why where the reason is the disk."""
        try:
            with suppress(OSError, StoreError):
                # Not Python's own timeout, with which it asks twice for whatever happens to be there.
                connection.settimeout(None)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(self._patience))
                (size,) = SIZE.unpack(_received(connection, SIZE.size))
                if size + ROOM <= _free(self._blobs.root):
                    sha256 = self._blobs.receive(lambda stream: _write(stream, size, connection))
                    connection.sendall(sha256.encode())
        finally:
            with self._lock:
                del self._deliveries[connection]
            connection.close()


@contextmanager
def receiving(host: Host, store: Store) -> Iterator[Host]:
    """The host, until the end of the `with` with somebody to deliver to where the store is a folder."""
    if not isinstance(store, DirectoryStore):
        yield host
        return
    with closing(ReceivingHost(host, store.blobs)) as receiver:
        yield receiver


class ReceivingHost:
    """A host whose workers may deliver large blobs to a store in a folder of this machine."""

    def __init__(self, host: Host, blobs: Blobs) -> None:
        self._host, self._blobs = host, blobs
        self._lock = threading.Lock()
        self._receivers: dict[Path, Receiver] = {}

    @property
    def name(self) -> str:
        return self._host.name

    @property
    def settings(self) -> HostSettings:
        return self._host.settings

    @property
    def is_remote(self) -> bool:
        return self._host.is_remote

    @property
    def cpus(self) -> int:
        return self._host.cpus

    @property
    def memory(self) -> int:
        return self._host.memory

    def gateway(self, network: str) -> str | None:
        return self._host.gateway(network)

    def make_outbox(self, folder: Path) -> None:
        """With somebody to deliver to, where that is possible."""
        self._host.make_outbox(folder)
        with suppress(OSError):
            receiver = Receiver(folder, self._blobs)
            with self._lock:
                self._receivers[folder] = receiver

    def start_worker(self, request: WorkerRequest, notify: Notify) -> Worker:
        try:
            return self._host.start_worker(request, self._until_the_end(request, notify))
        except BaseException:
            self._leave(request.outbox)
            raise

    def adopt(self, container: str, request: WorkerRequest, notify: Notify) -> Worker:
        return self._host.adopt(container, request, notify)

    def kill_container(self, container: str) -> None:
        self._host.kill_container(container)

    def when_away(self, tell: Tell) -> None:
        self._host.when_away(tell)

    def is_away(self) -> bool:
        return self._host.is_away()

    def close(self) -> None:
        """Receive no more. The host itself stays."""
        with self._lock:
            left = list(self._receivers.values())
        for receiver in left:
            receiver.close()
        for receiver in left:
            receiver.join()

    def _until_the_end(self, request: WorkerRequest, notify: Notify) -> Notify:
        def hear(number: int, said: Said) -> None:
            if isinstance(said, WorkerEnded):
                self._leave(request.outbox)
            notify(number, said)

        return hear

    def _leave(self, outbox: Path) -> None:
        with self._lock:
            receiver = self._receivers.pop(outbox, None)
        if receiver is not None:
            receiver.close()


def _free(folder: Path) -> int:
    """What this user may still write to the disk with the folder, in bytes."""
    files.make_folder(folder)
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def _timeval(seconds: float) -> bytes:
    return struct.pack("@ll", int(seconds), int(seconds % 1 * 1e6))


def _write(stream: BinaryIO, size: int, connection: socket.socket) -> str:
    return arriving.write(stream, size, lambda memory: _fill(memory, connection))


def _received(connection: socket.socket, size: int) -> bytes:
    received = bytearray(size)
    _fill(memoryview(received), connection)
    return bytes(received)


def _fill(memory: memoryview, connection: socket.socket) -> None:
    """Raises OSError when the other side has gone, or does not go on."""
    while memory:
        size = connection.recv_into(memory, 0, socket.MSG_WAITALL)
        if not size:
            raise ConnectionResetError("the delivery was broken off")
        memory = memory[size:]
