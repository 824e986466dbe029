"""Processes that build at the same time into one cache do not disturb each other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dockerflow.images.files import sha256_of
from dockerflow.store.files import TEMPORARY
from tests.unit.images.made import File, Made, lock_of
from tests.unit.images.test_builder import build

SHARED = [Made(f"p{number}", {f"lib/{number}": File(bytes([number]) * 700_000)}) for number in range(6)]
ALONE = [Made(f"own{number}", {f"lib/own{number}": File(bytes([number]) * 300_000)}) for number in range(3)]

PROGRAM = """
import json, sys
from pathlib import Path
from tests.unit.images.made import lock_of
from tests.unit.images.test_builder import build
from tests.unit.images.test_two_builds import ALONE, SHARED
folder, own = Path(sys.argv[1]), sys.argv[2]
packages = SHARED + ([ALONE[int(own)]] if own != "none" else [])
lock = lock_of(folder / f"channel-{sys.argv[3]}", packages)
print("ready", flush=True)
sys.stdin.readline()
image = build(folder / "cache", lock).image
print(json.dumps([image.config_digest, image.manifest_digest]))
"""


@pytest.mark.parametrize("own", [("none", "none", "none"), ("0", "1", "2"), ("none", "0", "0")])
def test_builds_at_once_give_what_each_gives_alone(tmp_path: Path, own: tuple[str, ...]) -> None:
    """The same image three times, overlapping ones, and both; they begin together."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path), one, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        for number, one in enumerate(own)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(own)
    for one, found in zip(own, said):
        packages = SHARED + ([ALONE[int(one)]] if one != "none" else [])
        alone = build(tmp_path / f"alone-{one}", lock_of(tmp_path / "channel", packages)).image
        assert json.loads(found) == [alone.config_digest, alone.manifest_digest]
    for layer in (tmp_path / "cache" / "layers").iterdir():
        assert sha256_of(layer) == layer.stem
    assert list((tmp_path / "cache").rglob(f"{TEMPORARY}*")) == []
