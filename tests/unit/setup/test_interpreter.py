"""The Pythons of this machine, and which satisfies what a flow asks for."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

from dockerflow.setup.errors import ChannelNotMade
from dockerflow.setup.interpreter import ask, matching, satisfies


def test_an_interpreter_tells_its_base_and_not_its_virtual_environment() -> None:
    found = ask(sys.executable)
    assert found is not None
    assert found.prefix == Path(sys.base_prefix).resolve()
    assert found.version == platform.python_version()
    assert (found.stdlib / "os.py").is_file()


def test_what_is_not_a_python_is_none() -> None:
    assert ask("/bin/true") is None
    assert ask("/nowhere/python") is None


def test_our_own_is_taken_where_it_satisfies() -> None:
    assert matching("").version == platform.python_version()
    assert matching("{}.{}".format(*sys.version_info[:2])).version == platform.python_version()


def test_a_python_that_is_not_here_is_named_with_those_that_are() -> None:
    with pytest.raises(ChannelNotMade, match=f"No Python 3.99 is on this machine; found .*{sys.version_info[0]}"):
        matching("3.99")


@pytest.mark.parametrize(
    ("version", "spec", "holds"),
    [
        ("3.11.7", "3.11", True),
        ("3.11.7", "3.1", False),
        ("3.11.7", "3", True),
        ("3.11.7", "3.11.7", True),
        ("3.11.7", "3.11.8", False),
        ("3.11.7", ">=3.9,<3.12", True),
        ("3.11.7", "3.11.*", True),
        ("3.12.0", "<3.12", False),
        ("3.12.0", "", True),
    ],
)
def test_a_python_satisfies_a_spec_as_flows_write_it(version: str, spec: str, holds: bool) -> None:
    assert satisfies(version, spec) is holds
