"""What is told of a program that failed."""

from __future__ import annotations

import pytest

from dockerflow.setup.debian import last_error, which


@pytest.mark.parametrize(
    ("output", "told"),
    [
        ("Reading…\nE: Unable to locate package docker.io\n", "Unable to locate package docker.io"),
        ("W: old\nE: first\nE: second\nDone\n", "second"),
        ("level=info\nfailed to start daemon: no room\n", "failed to start daemon: no room"),
        ("one\ntwo\n\n", "two"),
        ("", "it said nothing"),
    ],
)
def test_the_last_error_is_told_or_else_the_last_line(output: str, told: str) -> None:
    assert last_error(output) == told


def test_programs_for_administrators_are_found_with_any_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert which("ldconfig") is not None
    assert which("no-such-program") is None
