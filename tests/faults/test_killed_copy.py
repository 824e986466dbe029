"""`store copy` is killed with SIGKILL at many moments, and begun again until it is done."""

from __future__ import annotations

import os
import pickle
import random
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dockerflow.housekeeping import verify as verifying
from dockerflow.housekeeping.references import every_run
from dockerflow.store import journal, run_tags
from tests.faults import copier
from tests.integration.housekeeping.made import large, make
from tests.integration.store.kinds import Where, store_of
from tests.object_servers import Bucket

KILLS = 6


@pytest.mark.parametrize("to_bucket", [True, False], ids=["to a bucket", "to a folder"])
def test_a_killed_copy_leaves_whole_runs_alone_and_goes_on_when_it_is_begun_again(
    minio_bucket: Bucket, tmp_path: Path, to_bucket: bool
) -> None:
    folder = Where(tmp_path / "folder")
    bucket = replace(store_of("minio", tmp_path / "bucket", minio_bucket), life=0.0)  # the dead hold nothing
    source, target = (folder, bucket) if to_bucket else (bucket, folder)
    for letter in "abcd":
        make(source.open(), *({"x": large(f"{letter}{number}")} for number in range(3)), tag="good")
    dice = random.Random(str(to_bucket))
    for _ in range(KILLS):
        copied(source, target, tmp_path, dice.randrange(1, 16), dice.randrange(20_000))
        whole(source, target)
    assert copied(source, target, tmp_path)
    assert list(every_run(target.open())) == list(every_run(source.open()))
    whole(source, target)


def copied(source: Where, target: Where, folder: Path, lines: int = 1000, moment: int = 0) -> bool:
    """Whether all was copied before it was killed: after so many lines, at some moment within an operation."""
    told = folder / "where"
    told.write_bytes(pickle.dumps((source, target)))
    command = [sys.executable, "-m", copier.__name__, str(told)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as copying:
        assert copying.stdout is not None
        said = [copying.stdout.readline() for _ in range(lines)]
        for _ in range(moment):
            pass
        os.kill(copying.pid, signal.SIGKILL)
        said += copying.stdout.readlines()
    return "done\n" in said


def whole(source: Where, target: Where) -> None:
    """What is there is as it should be."""
    there, here = target.open(), source.open()
    assert verifying.verify(there).faults == ()
    for run in every_run(there):
        assert journal.text(there, *run) == journal.text(here, *run)
        began = run_tags.begun(there, *run)
        assert run_tags.read(there, began) == run_tags.read(here, began) == {"first", "good"}
