"""What is said of an image of a past run that is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.config import Config
from dockerflow.images import gone
from dockerflow.images.again import Again
from dockerflow.store.directory import create
from dockerflow.store.records import StepRecord


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (
            {"config_digest": "sha256:1"},
            "the engine has none with the ID sha256:1, and no registry is known to have it",
        ),
        ({}, "its record has no ID to know it by, and no registry is known to have it"),
        ({"repository_digest": "there/own@sha256:2"}, "its record has no ID to know it by; it was not there"),
    ],
)
def test_an_image_of_ones_own_is_named_by_what_is_known_of_it(record: dict[str, str], told: str) -> None:
    error = gone.own_image(StepRecord("start", (), image="own:1", **record), ("start",), "it was not there")
    assert error.message == f"the image `own:1` of step `start` is gone: {told}"


def test_a_lock_that_is_lost_names_the_image_to_look_for(tmp_path: Path) -> None:
    again = Again(create(tmp_path / "store").blobs, Config(cache_dir=tmp_path / "cache"))
    record = StepRecord("start", (), image="dockerflow/step:1", lock="0" * 64)
    with pytest.raises(gone.MissingError, match="the image of step `start` is gone, and its lock is lost: ") as raised:
        again.lock(record, ("start",))
    assert "look for the image `dockerflow/step:1` on another engine" in str(raised.value.hint)
