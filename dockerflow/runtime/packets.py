"""Packets of a session: found again in whatever is around them, and known to be whole.

    packet   magic (of the worker), kind, epoch, number, length, checksum of the body, checksum of all this; body

Pure. Standard library only, Python 3.7.
"""

from __future__ import annotations

import binascii
import hashlib
import struct
from typing import Any, List, NamedTuple, Optional, Tuple

# Of one packet's part of an item, in bytes.
PIECE = 64 * 1024

_HEADER = struct.Struct(">8sBQQII")
_CHECKSUM = struct.Struct(">I")  # of the header
_BEGIN = _HEADER.size + _CHECKSUM.size


def magic(name: str) -> bytes:
    """Of the worker whose container has this name. No byte of it is in a text of ASCII."""
    return bytes(byte | 0x80 for byte in hashlib.sha256(b"dockerflow session 1 " + name.encode()).digest()[:8])


class Packet(NamedTuple):
    kind: int
    epoch: int
    number: int
    body: bytes


class Packets:
    """Find the packets in bytes that come from anywhere."""

    def __init__(self, magic: bytes) -> None:
        self._magic = magic
        self._buffer = bytearray()

    def feed(self, received: bytes) -> List[Packet]:
        """Those that are whole by now. One that began before another and is not whole by then was torn."""
        self._buffer += received
        packets: List[Packet] = []
        position, waiting = 0, -1
        while True:
            at = self._buffer.find(self._magic, position)
            if at < 0:
                break
            end = self._end(at)
            packet = self._whole(at, end) if 0 < end <= len(self._buffer) else None
            if packet is not None:
                packets.append(packet)
                position, waiting = end, -1
                continue
            if waiting < 0 and (end == 0 or end > len(self._buffer)):
                waiting = at
            position = at + 1
        if waiting < 0:  # a part of the magic may stand at the end
            waiting = max(position, len(self._buffer) - len(self._magic) + 1)
        del self._buffer[:waiting]
        return packets

    def _end(self, at: int) -> int:
        """Of the packet that begins there; 0: nobody knows yet, -1: there is none."""
        if len(self._buffer) - at < _BEGIN:
            return 0
        (checksum,) = _CHECKSUM.unpack_from(self._buffer, at + _HEADER.size)
        if checksum != binascii.crc32(self._buffer[at : at + _HEADER.size]):
            return -1
        length: int = _HEADER.unpack_from(self._buffer, at)[4]
        return at + _BEGIN + length if length <= PIECE + 1 else -1

    def _whole(self, at: int, end: int) -> Optional[Packet]:
        _, kind, epoch, number, _, checksum = _HEADER.unpack_from(self._buffer, at)
        body = bytes(self._buffer[at + _BEGIN : end])
        return Packet(kind, epoch, number, body) if binascii.crc32(body) == checksum else None


def packed(magic: bytes, packet: Packet) -> bytes:
    body = packet.body
    header = _HEADER.pack(magic, packet.kind, packet.epoch, packet.number, len(body), binascii.crc32(body))
    return header + _CHECKSUM.pack(binascii.crc32(header)) + body


def unpacked(form: struct.Struct, content: bytes) -> Tuple[Any, ...]:
    try:
        return form.unpack(content)
    except struct.error:
        raise ValueError(f"not a packet of a worker's session: {content!r:.80}") from None
