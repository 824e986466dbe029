"""Whether a container's maker is gone is said only where it can be known."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from dockerflow import makers

ASK = "from dockerflow import makers; print(makers.this_process())"


def test_a_process_is_gone_when_it_has_ended_and_not_before() -> None:
    gone = subprocess.run([sys.executable, "-c", ASK], check=True, capture_output=True, text=True).stdout.strip()
    assert makers.is_gone(gone)
    assert not makers.is_gone(makers.this_process())


def test_a_process_with_the_number_of_one_that_is_gone_is_another() -> None:
    process, _, machine = makers.this_process().partition("@")
    assert process.partition("/")[0] == str(os.getpid())
    assert makers.is_gone(f"{os.getpid()}/1@{machine}")


@pytest.mark.parametrize("maker", ["", "1", "1@here", "1/2@", "/2@here", "1/@here", "²/1@here", "99999999/1@elsewhere"])
def test_of_what_ran_elsewhere_or_says_nothing_nobody_knows(maker: str) -> None:
    assert not makers.is_gone(maker)
