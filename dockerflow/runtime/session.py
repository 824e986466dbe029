"""A session over a pipe that may break: what each side sends arrives at the other once, whole and in order.

Between the scheduler (`ClientSide`) and the first process of a container on another machine (`RelaySide`, see `relay`)
lies a connection that breaks and is made again, perhaps by another process. What was on its way is then lost; bytes of
the old connection may still come, in the middle of those of the new one; one that begins in the middle is the rule. So
everything travels in packets (see `packets`), and is kept until it is acknowledged (see `outgoing`):

    HELLO    client: here I am, in an epoch of my own; what I have, and how long to wait when I am gone
    WELCOME  relay: you are who counts now; what I have, where I begin, and whether there is a task
    LATER    relay: another came after you, whose epoch is in the body
    DATA     a piece of an item; the last says so. Pieces are numbered from 1 in each direction, whatever the epoch
    STATE    what was sent, what has arrived, what is done with; and wishes: to answer, to send again, to kill

Who misses something says so, and all from there on is sent again. What was sent before a STATE has arrived before it,
so one every few seconds is enough to find out. The client acknowledges an item when it has been processed. That counts
when everything that the client had to say by then has arrived: what it answered to an item is not lost with it.

An epoch is a generation (one for each process that takes the session over), an attachment, and a random number. The
highest wins. Who does not know the last one begins with the lowest, and is told.

Pure: bytes in, items and bytes out. Standard library only, Python 3.7; neither side trusts the other's bytes.
"""

from __future__ import annotations

import random
import struct
from collections import deque
from typing import Callable, Deque, List, NamedTuple, Optional, Tuple

from dockerflow.runtime.outgoing import LAST, Keep, Outgoing
from dockerflow.runtime.packets import PIECE, Packet, Packets, packed, unpacked

# What items are. Client to relay: a frame for the worker, the end of its input. Relay to client: a frame of the worker,
# a piece of its diagnostics, how it ended.
FRAME, END, DIAGNOSTICS, EXIT = 1, 2, 3, 4

_HELLO, _WELCOME, _LATER, _DATA, _STATE = range(1, 6)

_WAITS = struct.Struct(">Qddd")
_WELCOMED = struct.Struct(">QQB")
_EPOCH = struct.Struct(">Q")
_STANDS = struct.Struct(">QQQQB")
_EXIT = struct.Struct(">iB")

# Wishes in a STATE.
_ANSWER, _AGAIN, _KILL = 1, 2, 4

_RANDOM_BITS, _ATTACHMENT_BITS, _GENERATION_BITS = 16, 24, 24


class Waits(NamedTuple):
    """Seconds: after which a client that says nothing is gone; that a worker then waits in which nothing is left to do;
    that the result of a task is kept."""

    gone: float = 30.0
    idle: float = 300.0
    kept: float = 12 * 3600.0


DEFAULT = Waits()


class Item(NamedTuple):
    number: int  # of its last piece
    kind: int
    content: bytes


class Exit(NamedTuple):
    """How a worker ended: what a shell would say, and whether the memory's limit was why."""

    status: int
    out_of_memory: bool

    def pack(self) -> bytes:
        return _EXIT.pack(self.status, self.out_of_memory)

    @classmethod
    def unpack(cls, content: bytes) -> Exit:
        """Raises ValueError."""
        status, out_of_memory = unpacked(_EXIT, content)
        return cls(status, bool(out_of_memory))


class _Side:
    """What both have in common."""

    def __init__(self, magic: bytes, keep: Optional[Keep] = None, longest: Optional[int] = None) -> None:
        self.outgoing = Outgoing(keep or Keep())
        self.epoch = 0
        self.is_open = False  # whether items may be sent in this epoch
        self._magic = magic
        self._longest = longest
        self._packets = Packets(magic)
        self._control: Deque[bytes] = deque()
        self._due = 0  # wishes of the STATE that is to be sent
        self._is_due = False
        self._received = 0  # all pieces up to this one have arrived
        self._arrived = 0  # the last piece of the last item that has
        self._processed = 0
        self._part = bytearray()
        self._asked = -1  # after which piece one was missing, that was asked for
        self._acknowledged: Deque[Tuple[int, int]] = deque()  # what counts when all up to the second have arrived

    def send(self, kind: int, content: bytes) -> int:
        """An item; the number that is acknowledged for it."""
        return self.outgoing.add(kind, content)

    def processed(self, number: int) -> None:
        """The item with this number, and all before it."""
        self._processed = max(self._processed, number)
        self._is_due = True

    def has_output(self) -> bool:
        return bool(self._control) or (self.is_open and (self._is_due or self.outgoing.sent < self.outgoing.last))

    def output(self, enough: int = PIECE) -> bytes:
        """What is to be written next: packets of about so many bytes in all."""
        parts: List[bytes] = []
        size = 0
        while size < enough and self.has_output():
            parts.append(self._next())
            size += len(parts[-1])
        return b"".join(parts)

    def _next(self) -> bytes:
        if self._control:
            return self._control.popleft()
        if self._is_due:
            wishes, self._due, self._is_due = self._wishes(), 0, False
            sent, needed = self.outgoing.sent, self._needed()
            return self._packet(_STATE, _STANDS.pack(sent, self._received, self._processed, needed, wishes))
        number, body = self.outgoing.take() or (0, b"")
        return self._packet(_DATA, body, number)

    def _packet(self, kind: int, body: bytes, number: int = 0) -> bytes:
        return packed(self._magic, Packet(kind, self.epoch, number, body))

    def _wishes(self) -> int:
        return self._due

    def _needed(self) -> int:
        """The number of ours that must have arrived before what we acknowledge counts."""
        return 0

    def _heard(self, packet: Packet) -> List[Item]:
        """A packet of this epoch."""
        if packet.kind == _DATA:
            return self._piece(packet)
        if packet.kind == _STATE:
            self._state(*unpacked(_STANDS, packet.body))
        return []

    def _piece(self, packet: Packet) -> List[Item]:
        if packet.number != self._received + 1 or not packet.body:
            if packet.number > self._received:
                self._miss(False)
            return []
        self._received += 1
        self._part += packet.body[1:]
        if self._longest is not None and len(self._part) > self._longest:
            raise ValueError(f"not an item of a worker's session: it has more than {self._longest} bytes")
        if not packet.body[0] & LAST:
            return []
        item = Item(packet.number, packet.body[0] & ~LAST, bytes(self._part))
        self._part.clear()
        self._arrived = self._received
        self._count()
        return [item]

    def _state(self, sent: int, received: int, processed: int, needed: int, wishes: int) -> None:
        if sent > self._received:
            self._miss(True)
        if wishes & _AGAIN:
            self.outgoing.rewind(received + 1)
        if wishes & _ANSWER:
            self._is_due = True
        if not self._acknowledged or self._acknowledged[-1][0] < processed:
            self._acknowledged.append((processed, needed))
        self._count()

    def _miss(self, surely: bool) -> None:
        """Ask for what is missing; once, but for when it must have been sent again by now."""
        if surely or self._asked != self._received:
            self._asked = self._received
            self._due |= _AGAIN
            self._is_due = True

    def _count(self) -> None:
        while self._acknowledged and self._acknowledged[0][1] <= self._arrived:
            self.outgoing.acknowledge(self._acknowledged.popleft()[0])

    def _restart(self) -> None:
        """In another epoch."""
        self._control.clear()
        self._acknowledged.clear()
        self._due, self._is_due, self._asked = 0, False, -1


class RelaySide(_Side):
    """`is_busy`: whether there is a task, or the result of one that nobody has acknowledged."""

    def __init__(self, magic: bytes, is_busy: Callable[[], bool], keep: Optional[Keep] = None) -> None:
        super().__init__(magic, keep)
        self.waits = Waits()
        self.killed = False  # whether the client wants the worker to be killed
        self.heard = 0  # how many packets of who counts have come
        self._is_busy = is_busy

    def feed(self, received: bytes) -> List[Item]:
        """Items for the worker."""
        items: List[Item] = []
        late = 0
        for packet in self._packets.feed(received):
            if packet.epoch < self.epoch:
                late = packet.epoch
            elif packet.kind == _HELLO:
                self._hello(packet)
            elif packet.epoch == self.epoch:
                self.heard += 1
                items += self._heard(packet)
        if late:
            self._control.append(packed(self._magic, Packet(_LATER, late, 0, _EPOCH.pack(self.epoch))))
        return items

    def _hello(self, packet: Packet) -> None:
        has, *waits = unpacked(_WAITS, packet.body)
        self.heard += 1
        if packet.epoch > self.epoch:
            self._restart()
            self.epoch = packet.epoch
            # Of an item of which a part has come, the rest need not: the client may be another.
            self._received = self._arrived
            self._part.clear()
            self.outgoing.rewind(has + 1)
            self.waits = Waits(*waits)
            self.is_open = True
        body = _WELCOMED.pack(self._arrived, self.outgoing.first, self._is_busy())
        self._control.append(self._packet(_WELCOME, body))

    def _state(self, sent: int, received: int, processed: int, needed: int, wishes: int) -> None:
        super()._state(sent, received, processed, needed, wishes)
        self.killed = self.killed or bool(wishes & _KILL)


class ClientSide(_Side):
    """`longest` is how many bytes an item may have. `adopts`: the session of another process is taken over."""

    def __init__(
        self, magic: bytes, longest: int, adopts: bool = False, waits: Waits = DEFAULT, draw: Optional[int] = None
    ) -> None:
        super().__init__(magic, longest=longest)
        self.knows = False  # whether it has ever been welcomed
        self.is_superseded = False
        self.is_busy = True  # what the first welcome said
        self._kill = False
        self._waits = waits
        self._generation = 0 if adopts else 1
        self._attachment = 0
        self._draw = random.getrandbits(_RANDOM_BITS) if draw is None else draw

    def attach(self) -> None:
        """Over a new connection: nothing that was sent over the last one need have arrived."""
        self._restart()
        self._packets = Packets(self._magic)
        self._attachment += 1
        self._greet()

    def ping(self) -> None:
        """To be called every few seconds: the relay then knows that somebody is there, and both what is missing."""
        if self.is_open:
            self._due |= _ANSWER
            self._is_due = True
        elif self._attachment:
            self._control.append(self._hello())

    def kill(self) -> None:
        """Have the worker killed."""
        self._kill = True
        self._is_due = True

    def feed(self, received: bytes) -> List[Item]:
        """Items of the worker. Raises ValueError for what no relay says."""
        items: List[Item] = []
        for packet in self._packets.feed(received):
            if packet.epoch != self.epoch:
                continue
            if packet.kind == _WELCOME:
                self._welcome(*unpacked(_WELCOMED, packet.body))
            elif packet.kind == _LATER:
                self._later(*unpacked(_EPOCH, packet.body))
            elif self.is_open:
                items += self._heard(packet)
        return items

    def _greet(self) -> None:
        self.is_open = False
        self.epoch = self._generation << _ATTACHMENT_BITS | self._attachment & (1 << _ATTACHMENT_BITS) - 1
        self.epoch = self.epoch << _RANDOM_BITS | self._draw
        self._control.clear()
        self._control.append(self._hello())

    def _hello(self) -> bytes:
        return self._packet(_HELLO, _WAITS.pack(self._received, *self._waits))

    def _welcome(self, arrived: int, first: int, is_busy: int) -> None:
        if self.is_open:
            return
        if self.knows:
            self.outgoing.rewind(arrived + 1)
        else:
            self.knows, self.is_busy = True, bool(is_busy)
            self.outgoing.begin(arrived + 1)
            self._received = self._arrived = first - 1
            self._processed = first - 1
        self.is_open = self._is_due = True

    def _later(self, current: int) -> None:
        if self.knows:
            self.is_superseded = True
        elif current > self.epoch:
            self._generation = (current >> _RANDOM_BITS + _ATTACHMENT_BITS) + 1
            if self._generation >> _GENERATION_BITS:
                raise ValueError(f"not an epoch of a worker's session: {current}")
            self._greet()

    def _wishes(self) -> int:
        return self._due | (_KILL if self._kill else 0)

    def _needed(self) -> int:
        return self.outgoing.last
