"""Manifests that the scheduler has go along with tasks, as long as they are few and small."""

from __future__ import annotations

import hashlib

from dockerflow.engines.known_blobs import KEPT, WITH_A_TASK, KnownBlobs
from dockerflow.runtime.messages import ForeachFrame, Inline, Input, RunTask


def blob(data: bytes) -> Inline:
    return Inline.of(hashlib.sha256(data).hexdigest(), data)


def task(parameters: str, *inputs: str, frame: str = "none") -> RunTask:
    frames = (ForeachFrame("s", "x", 0, 1, frame),)
    return RunTask("F", "1", "s", "1", 0, True, parameters, tuple(Input("s", "1", each) for each in inputs), frames)


def test_what_a_task_begins_with_goes_along_once() -> None:
    known, (a, b, c, d) = KnownBlobs(), map(blob, (b"a", b"b", b"c", b"d"))
    for each in (a, b, c, d):
        known.add(each)
    given = known.given_to(task(a.sha256, b.sha256, b.sha256, "unknown", frame=c.sha256))
    assert sorted(each.sha256 for each in given.known) == sorted([a.sha256, b.sha256, c.sha256])


def test_a_join_of_thousands_gets_no_more_than_its_share() -> None:
    known, many = KnownBlobs(), [blob(bytes([number % 256, number // 256]) * 500) for number in range(1000)]
    for each in many:
        known.add(each)
    given = known.given_to(task("none", *(each.sha256 for each in many)))
    assert 0 < sum(len(each.content) for each in given.known) <= WITH_A_TASK


def test_large_ones_and_those_of_long_ago_are_not_kept() -> None:
    known, large, old = KnownBlobs(), blob(bytes(WITH_A_TASK)), blob(b"old")
    known.add(large)
    known.add(old)
    for number in range(KEPT // WITH_A_TASK + 100):
        known.add(Inline(f"{number:064x}", "A" * WITH_A_TASK))
    assert known.given_to(task(large.sha256, old.sha256)).known == ()
