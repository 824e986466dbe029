"""Names and version specs from PyPI's words to conda's and back."""

from __future__ import annotations

import pytest

from dockerflow.setup.errors import ChannelNotMade
from dockerflow.setup.names import CONDA_NAMES, conda_name, conda_spec, conda_version, pip_requirement, pypi_name


@pytest.mark.parametrize("pypi", CONDA_NAMES)
def test_a_name_that_differs_goes_there_and_back(pypi: str) -> None:
    assert pypi_name(conda_name(pypi)) == pypi


def test_names_are_compared_as_pypi_compares_them() -> None:
    assert conda_name("Typing_Extensions") == conda_name("typing.extensions") == "typing-extensions"


@pytest.mark.parametrize(
    ("pep440", "conda"),
    [
        ("", ""),
        (">=1.2, <2", "<2,>=1.2"),
        ("==1.4.*", "1.4.*"),
        ("!=1.5.*,>=1", "!=1.5.*,>=1"),
        ("~=1.4.2", "~=1.4.2"),
        ("===1.0", "==1.0"),
        ("==1.5.3", "==1.5.3"),
    ],
)
def test_a_specifier_becomes_a_conda_spec(pep440: str, conda: str) -> None:
    assert conda_spec(pep440) == conda


@pytest.mark.parametrize(
    ("spec", "requirement"),
    [
        ("1.5.3", "pandas==1.5.3"),
        ("", "pandas"),
        ("*", "pandas"),
        (">=1.5, <2", "pandas>=1.5,<2"),
        ("=1.5", "pandas==1.5.*"),
        ("=1.5.*", "pandas==1.5.*"),
        ("1.5.*", "pandas==1.5.*"),
        ("==1.5.3", "pandas==1.5.3"),
        ("~=1.5", "pandas~=1.5"),
        ("!=1.5.1,>1", "pandas!=1.5.1,>1"),
    ],
)
def test_what_a_flow_asks_for_becomes_a_requirement(spec: str, requirement: str) -> None:
    assert pip_requirement("pandas", spec) == requirement


def test_a_conda_name_is_asked_for_by_its_name_on_pypi() -> None:
    assert pip_requirement("pytorch", "2.1.0") == "torch==2.1.0"


def test_alternatives_have_no_counterpart_and_the_error_says_so() -> None:
    with pytest.raises(ChannelNotMade, match=r"`pandas 1\|2` cannot be made from PyPI") as caught:
        pip_requirement("pandas", "1|2")
    assert caught.value.hint == "ask for a range (`>=1.5,<2`) or for one version"


def test_no_dash_is_left_in_a_version() -> None:
    assert conda_version("1.0-1") == "1.0_1"
