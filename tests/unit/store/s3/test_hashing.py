"""A buffer that is filled out of order has the hash of its bytes in order."""

from __future__ import annotations

import hashlib
import random
import threading

from hypothesis import given
from hypothesis import strategies as st

from dockerflow.store.s3.hashing import InOrder


@given(st.binary(min_size=1, max_size=300), st.integers(1, 40), st.randoms(use_true_random=False))
def test_the_order_of_parts_does_not_change_the_hash(data: bytes, size: int, order: random.Random) -> None:
    starts = list(range(0, len(data), size))
    order.shuffle(starts)
    buffer = bytearray(len(data))
    hashing = InOrder(memoryview(buffer), size)
    for start in starts:
        buffer[start : start + size] = data[start : start + size]
        hashing.filled(start)
    assert hashing.hexdigest() == hashlib.sha256(data).hexdigest()


def test_threads_leave_no_part_out() -> None:
    data, size = random.Random(1).randbytes(1 << 20), 1 << 12
    buffer = bytearray(len(data))
    hashing = InOrder(memoryview(buffer), size)
    starts = iter(random.Random(2).sample(range(0, len(data), size), len(data) // size))
    taking = threading.Lock()

    def fill() -> None:
        while True:
            with taking:
                start = next(starts, None)
            if start is None:
                return
            buffer[start : start + size] = data[start : start + size]
            hashing.filled(start)

    threads = [threading.Thread(target=fill) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert hashing.hexdigest() == hashlib.sha256(data).hexdigest()
