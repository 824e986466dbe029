"""What the driver's own program lists, in its words, is counted; and nothing else is."""

from __future__ import annotations

import pytest

from dockerflow.engines.gpu import listed

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
