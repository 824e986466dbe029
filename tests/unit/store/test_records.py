from __future__ import annotations

import json
from dataclasses import replace

from dockerflow.store.records import GitState, IncludedFile, RunStarted, StepRecord, from_line, to_line

STEP = StepRecord(
    "start",
    ("end",),
    image="tools:1",
    manifest_digest="sha256:aa",
    repository_digest="tools@sha256:aa",
    python="/usr/bin/python3",
    python_version="3.11.2",
)
STARTED = RunStarted(1.0, "F", "1", "ada", "p", "c", (STEP,))


def test_what_a_step_ran_in_is_read_as_it_was_written() -> None:
    assert from_line(to_line(STARTED)) == STARTED


def test_what_a_step_ran_in_on_other_platforms_is_read_as_it_was_written() -> None:
    both = replace(STEP, platform="linux-64", elsewhere=(replace(STEP, platform="linux-aarch64", lock="other"),))
    assert from_line(to_line(replace(STARTED, steps=(both,)))) == replace(STARTED, steps=(both,))


def test_a_journal_of_before_there_were_bases_and_own_images_is_read() -> None:
    kind, values = json.loads(to_line(STARTED))
    for name in ("base_image", "base_digest", "repository_digest", "python", "python_version"):
        del values["steps"][0][name]
    read = from_line(json.dumps([kind, values]))
    assert isinstance(read, RunStarted)
    assert read.steps == (StepRecord("start", ("end",), image="tools:1", manifest_digest="sha256:aa"),)


def test_where_a_run_was_launched_and_with_which_files_is_read_as_it_was_written() -> None:
    git = GitState("abc", "main", dirty=None, remote="https://host.example/flows.git")
    started = replace(STARTED, git=git, files=(IncludedFile("words", 12, "aa"), IncludedFile("table", 0, "bb")))
    assert from_line(to_line(started)) == started
