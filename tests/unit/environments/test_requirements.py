"""Version words: what they mean, and which are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rattler import BuildString, Channel, MatchSpec, PackageRecord

from dockerflow.environments import request, requirements
from dockerflow.environments.requirements import NotASpec, parse
from tests.unit.environments.locks_by_hand import spec


def accepts(package: str, word: str, version: str, build: str = "0") -> bool:
    record = PackageRecord(package, version, BuildString(build), 0, "linux-64")
    return parse(package, word).match_spec.matches(record)


def test_a_bare_version_is_exact() -> None:
    assert accepts("pandas", "1.5.3", "1.5.3")
    assert not accepts("pandas", "1.5.3", "1.5.4")
    assert not accepts("pandas", "1.5", "1.5.3")


def test_a_bare_python_of_one_or_two_numbers_is_a_series() -> None:
    assert accepts("python", "3.11", "3.11.9")
    assert accepts("python", "3", "3.12.1")
    assert not accepts("python", "3.1", "3.11.9")
    assert not accepts("python", "3.11.8", "3.11.9")


def test_an_empty_version_is_any() -> None:
    assert accepts("pandas", "", "0.1")
    assert accepts("pandas", "  ", "2.2")


def test_ranges_alternatives_and_wildcards_are_condas() -> None:
    assert accepts("pandas", ">=1.5,<2", "1.9")
    assert not accepts("pandas", ">=1.5,<2", "2.0")
    assert accepts("pandas", "1.5.*", "1.5.7")
    assert accepts("pandas", "=1.5", "1.5.7")
    assert accepts("pandas", "1.4|1.6", "1.6")


def test_a_build_may_be_named_after_the_version() -> None:
    for word in ("2.0 cpu_1", "2.0=cpu_1", "2.0 cpu*", "==2.0 cpu_1"):
        assert accepts("pytorch", word, "2.0", "cpu_1")
        assert not accepts("pytorch", word, "2.0", "cuda_1")


def test_names_are_in_lower_case_and_may_carry_their_channel() -> None:
    assert parse("PyYAML", "").name == "pyyaml"
    pinned = parse("conda-forge::NumPy", ">=1")
    assert pinned.name == "numpy"
    assert pinned.match_spec.channel is not None
    assert requirements.channel_of("conda-forge::numpy") == "conda-forge"
    assert requirements.channel_of("numpy") is None


@pytest.mark.parametrize(
    "word", ["latest", ">=", "1.5..3", "===1", "^1.5", ">=1.5 <2", ">=1.5;", "1 2 3", "'1.5'", "1.5 # x"]
)
def test_what_is_no_version_is_refused(word: str) -> None:
    with pytest.raises(NotASpec):
        parse("pandas", word)


@pytest.mark.parametrize("name", ["", "pan das", "pan$das", "*", "^p.*$", "-pandas", "pandas[build=1]", "a::b::c d"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(NotASpec):
        parse(name, "1.0")


def test_a_spec_requires_its_libraries_and_then_python() -> None:
    assert [str(one) for one in requirements.of(spec(pandas="1.5.3", numpy=""))] == [
        "numpy",
        "pandas 1.5.3",
        "python 3.11",
    ]


@given(st.from_regex(requirements._PLAIN, fullmatch=True))
def test_what_is_taken_unseen_is_a_match_spec(text: str) -> None:
    """rattler takes long to import, and is not asked about what is plainly right."""
    MatchSpec(text, strict=True)


@given(st.from_regex(request._PLAIN_CHANNEL, fullmatch=True))
def test_what_is_taken_unseen_is_a_channel(text: str) -> None:
    assert Channel(text).base_url
