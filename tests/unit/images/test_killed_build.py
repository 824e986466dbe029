"""A build that is killed at any moment leaves nothing that a later one takes for finished."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from dockerflow.images.files import sweep
from dockerflow.images.oci import digest
from dockerflow.store.files import TEMPORARY
from tests.unit.images.made import File, Made, lock_of
from tests.unit.images.test_builder import build

_noise = random.Random(1)
PACKAGES = [Made(f"p{number}", {f"lib/{number}": File(_noise.randbytes(1_500_000))}) for number in range(4)]


def test_a_build_killed_at_any_moment_is_finished_by_the_next(tmp_path: Path) -> None:
    lock = lock_of(tmp_path / "channel", PACKAGES)
    began = time.monotonic()
    expected = build(tmp_path / "whole", lock).image
    whole = time.monotonic() - began
    cache = tmp_path / "killed"
    killed = 0
    for attempt in range(6):
        killed += _killed_after(whole * attempt / 6, tmp_path, cache)
        for path in (cache / "layers").glob("*.tar"):
            assert digest(path.read_bytes()) == f"sha256:{path.stem}"
    assert killed > 0
    image = build(cache, lock).image
    assert (image.config, image.manifest) == (expected.config, expected.manifest)
    sweep(cache, older_than=-1)
    assert list(cache.rglob(f"{TEMPORARY}*")) == []


def _killed_after(seconds: float, folder: Path, cache: Path) -> bool:
    """Build in another process and kill it so long after it began; whether it was still at it.

    The moment is what is tested, so time has to pass; nothing is awaited.
    """
    program = (
        "import sys; from tests.unit.images.test_killed_build import build_packages; build_packages(*sys.argv[1:])"
    )
    command = [sys.executable, "-c", program, str(folder), str(cache)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as process:
        assert process.stdout is not None
        process.stdout.readline()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            pass
        process.kill()
    return process.returncode < 0


def build_packages(folder: str, cache: str) -> None:
    lock = lock_of(Path(folder) / "channel", PACKAGES)
    print("begins", flush=True)
    build(Path(cache), lock)


def test_sweeping_leaves_what_is_under_way(tmp_path: Path) -> None:
    unfinished = tmp_path / f"{TEMPORARY}x"
    unfinished.write_bytes(b"")
    sweep(tmp_path, older_than=3600)
    assert unfinished.exists()
    sweep(tmp_path, older_than=-1)
    assert not unfinished.exists()
