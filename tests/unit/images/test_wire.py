"""What is compressed on its way to an engine: the same bytes come out, and each engine gets what it takes."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from typing import Any

import pytest
import zstandard

from dockerflow.images.errors import LayerDamaged
from dockerflow.images.wire import Encoding, encoded, encoding_of

CLASSIC: dict[str, Any] = {"DriverStatus": [["Backing Filesystem", "extfs"], ["Supports d_type", "true"]]}
CONTAINERD: dict[str, Any] = {"DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]}
PODMAN = {"Components": [{"Name": "Podman Engine"}], "ApiVersion": "1.41"}


def decoded(data: bytes, encoding: Encoding) -> bytes:
    if encoding is Encoding.GZIP:
        return gzip.decompress(data)
    if encoding is Encoding.ZSTD:
        with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
            return bytes(reader.read())
    return data


def blocks(sizes: list[int]) -> Iterator[bytes]:
    numbers = random.Random(1)
    return (numbers.randbytes(size // 2) + bytes(size - size // 2) for size in sizes)


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("sizes", [[], [1], [512] * 9000, [1 << 20] * 9, [0, 7, 5_000_001, 3]], ids=len)
def test_what_is_sent_comes_out_as_it_was(encoding: Encoding, sizes: list[int]) -> None:
    gone: list[int] = []
    sent = b"".join(encoded(blocks(sizes), encoding, gone.append))
    assert decoded(sent, encoding) == b"".join(blocks(sizes))
    assert sum(gone) == len(sent)


@pytest.mark.parametrize("encoding", Encoding)
def test_damage_that_is_found_on_the_way_is_raised(encoding: Encoding) -> None:
    def damaged() -> Iterator[bytes]:
        yield from blocks([3_000_000, 3_000_000])
        raise LayerDamaged("sha256:1", "pandas", "sha256:2")

    with pytest.raises(LayerDamaged):
        list(encoded(damaged(), encoding, lambda size: None))


def test_no_more_is_read_ahead_than_is_worked_on() -> None:
    """A slow network must not fill the memory."""
    read: list[int] = []

    def counted() -> Iterator[bytes]:
        for number in range(10_000):
            read.append(number)
            yield bytes(1 << 20)

    way = encoded(counted(), Encoding.ZSTD, lambda size: None)
    next(way)
    assert len(read) < 1000
    way.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("info", "version", "encoding"),
    [
        (CLASSIC, {"ApiVersion": "1.41"}, Encoding.GZIP),
        (CLASSIC, {"ApiVersion": "1.42"}, Encoding.ZSTD),
        (CONTAINERD, {"ApiVersion": "1.43"}, Encoding.PLAIN),
        (CONTAINERD, {"ApiVersion": "1.44"}, Encoding.ZSTD),
        (CLASSIC, PODMAN, Encoding.ZSTD),
        ({}, {}, Encoding.GZIP),
    ],
)
def test_an_engine_gets_what_it_can_undo(info: dict[str, Any], version: dict[str, Any], encoding: Encoding) -> None:
    assert encoding_of(info, version) is encoding
