"""What the driver's own program lists, in its words, is counted, and nothing else is; who gets which of them."""

from __future__ import annotations

import pytest

from dockerflow.engines.gpu import Devices, listed

TWO = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-c72c9f1e-6c1b-4c5d-9c0a-2f7a5f3a9c11)
"""
DIVIDED = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f)
  MIG 3g.20gb     Device  0: (UUID: MIG-GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f/1/0)
  MIG 3g.20gb     Device  1: (UUID: MIG-GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f/2/0)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-c72c9f1e-6c1b-4c5d-9c0a-2f7a5f3a9c11)
"""
MANY = "".join(f"GPU {number}: Tesla V100-SXM2-16GB (UUID: GPU-{number:08x})\n" for number in range(16))


@pytest.mark.parametrize(
    ("text", "count"), [(TWO, 2), (DIVIDED, 2), (MANY, 16), (TWO.replace("\n", "\r\n"), 2), ("No devices found.\n", 0)]
)
def test_every_gpu_is_counted_once(text: str, count: int) -> None:
    assert listed(text) == count


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 535.161\n",
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n",
        "GPU access blocked by the operating system\n",
    ],
)
def test_what_is_no_list_says_nothing_of_their_number(text: str) -> None:
    assert listed(text) is None


def test_each_container_has_the_gpus_that_the_fewest_others_have() -> None:
    devices = Devices()
    assert [devices.take(1, 3) for _ in range(4)] == [(0,), (1,), (2,), (0,)]
    devices.give_back((1,))
    assert devices.take(1, 3) == (1,)
    assert devices.take(2, 3) == (1, 2)
    assert devices.take(3, 3) == (0, 1, 2)


def test_containers_that_have_all_gpus_between_them_share_none() -> None:
    devices = Devices()
    taken = [number for _ in range(4) for number in devices.take(2, 8)]
    assert sorted(taken) == list(range(8))


@pytest.mark.parametrize(("asked", "there"), [(None, 2), (0, 2), (2, None)])
def test_who_asks_for_none_or_where_nobody_could_count_gets_no_numbers(asked: int | None, there: int | None) -> None:
    assert Devices().take(asked, there) == ()
