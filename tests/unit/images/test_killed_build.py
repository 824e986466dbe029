"""A build that is killed at any moment leaves nothing that a later one takes for finished.

The moments are not times but what the build does: before the n-th file that it opens, moves or removes, and at the n-th
byte of a file that it writes. The kernel kills it there.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dockerflow.images.files import sweep
from dockerflow.images.image import StepImage
from dockerflow.images.oci import digest
from dockerflow.store.files import TEMPORARY
from tests.unit.images.made import File, Made, lock_of
from tests.unit.images.test_builder import build

_noise = random.Random(1)
PACKAGES = [Made(f"p{number}", {f"lib/{number}": File(_noise.randbytes(1_500_000))}) for number in range(3)]

# What a build does to files, as Python's audit hooks name it.
STEPS = ("open", "os.rename", "os.link", "os.remove", "os.mkdir", "os.utime", "os.chmod")


def die_at(number: int) -> None:
    """Have this process killed before its n-th step, wherever that is."""
    seen = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event in STEPS:
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def die_at_byte(size: int) -> None:
    """Have this process killed by the kernel when a file of its grows beyond `size` bytes."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def whole(folder: Path) -> StepImage:
    return build(folder / "whole", lock_of(folder / "channel", PACKAGES)).image


def killed(folder: Path, cache: Path, how: str, number: int) -> bool:
    """Build in another process that is killed so; whether it was still at it."""
    program = "import sys; from tests.unit.images.test_killed_build import build_killed; build_killed(*sys.argv[1:])"
    command = [sys.executable, "-c", program, str(folder), str(cache), how, str(number)]
    code = subprocess.run(command, cwd=Path(__file__).parents[3], timeout=120).returncode
    assert code in (0, -signal.SIGKILL, -signal.SIGXFSZ)
    return code != 0


def build_killed(folder: str, cache: str, how: str, number: str) -> None:
    lock = lock_of(Path(folder) / "channel", PACKAGES)
    {"step": die_at, "byte": die_at_byte}[how](int(number))
    build(Path(cache), lock)


def check(folder: Path, cache: Path, expected: StepImage) -> None:
    for path in (cache / "layers").glob("*.tar"):
        assert digest(path.read_bytes()) == f"sha256:{path.stem}"
    image = build(cache, lock_of(folder / "channel", PACKAGES)).image
    assert (image.config, image.manifest) == (expected.config, expected.manifest)
    for layer in image.layers:
        assert digest(layer.path.read_bytes()) == layer.diff_id
    sweep(cache, older_than=-1)
    assert list(cache.rglob(f"{TEMPORARY}*")) == []


def test_a_build_killed_at_any_step_is_finished_by_the_next(tmp_path: Path) -> None:
    """Each time further on, in a cache of its own."""
    expected = whole(tmp_path)
    died = [killed(tmp_path, tmp_path / f"cache-{number}", "step", number) for number in range(1, 62, 6)]
    assert died[:4] == [True] * 4
    for number in range(1, 62, 6):
        check(tmp_path, tmp_path / f"cache-{number}", expected)


def test_builds_killed_one_after_another_come_to_an_end(tmp_path: Path) -> None:
    expected = whole(tmp_path)
    for number in (5, 15, 25, 35):
        killed(tmp_path, tmp_path / "cache", "step", number)
    check(tmp_path, tmp_path / "cache", expected)


@pytest.mark.parametrize("size", [100, 10_240, 70_000, 1_048_577, 1_501_000])
def test_a_build_killed_in_the_middle_of_a_file_is_finished_by_the_next(tmp_path: Path, size: int) -> None:
    expected = whole(tmp_path)
    assert killed(tmp_path, tmp_path / "cache", "byte", size)
    check(tmp_path, tmp_path / "cache", expected)


def test_sweeping_leaves_what_is_under_way(tmp_path: Path) -> None:
    unfinished = tmp_path / f"{TEMPORARY}x"
    unfinished.write_bytes(b"")
    sweep(tmp_path, older_than=3600)
    assert unfinished.exists()
    sweep(tmp_path, older_than=-1)
    assert not unfinished.exists()
