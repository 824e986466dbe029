"""Specs that have no solution: the error names the step, what excludes what, and what there is instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from dockerflow.environments.errors import Unsatisfiable
from dockerflow.environments.solver import solve
from dockerflow.environments.spec import EnvironmentSpec
from tests.integration.environments.small_channel import SmallChannel


def refused(spec: EnvironmentSpec) -> Unsatisfiable:
    with pytest.raises(Unsatisfiable) as caught:
        solve(spec, ("train", "test"))
    assert "the environment of steps `train` and `test` asks for" in caught.value.message
    return caught.value


def reasons(error: Unsatisfiable) -> list[str]:
    return error.message.splitlines()[2:]


def test_a_version_that_there_is_not_lists_those_there_are(channel: SmallChannel) -> None:
    error = refused(channel.spec(pandas="2.2.9"))
    assert f"no `pandas 2.2.9` on `{channel.url}` for linux-64" in error.message
    assert "which has 2.2.2, 1.5.3" in error.message
    assert error.hint is not None
    assert "one of these versions" in error.hint


def test_a_bare_version_that_is_a_series_is_explained(channel: SmallChannel) -> None:
    assert refused(channel.spec(pandas="1.5")).hint == "a bare version is exact: for any 1.5 write `1.5.*`"


def test_a_name_that_there_is_not_gives_the_nearest(channel: SmallChannel) -> None:
    error = refused(channel.spec(pands="1.5.3"))
    assert f"no package `pands` on `{channel.url}`" in error.message
    assert error.hint == "did you mean `pandas`?"


def test_a_python_that_is_too_new_is_told_with_those_there_are(channel: SmallChannel) -> None:
    error = refused(channel.spec("3.14", pandas="2.2.2"))
    assert f"no `python 3.14` on `{channel.url}` for linux-64, which has 3.12.4, 3.11.9, 3.10.14" in error.message
    assert error.hint == "ask for one of these, for a series like `3.11`, or leave `python` out"


def test_a_package_for_another_platform_alone_says_so(channel: SmallChannel) -> None:
    error = refused(replace(channel.spec(), platform="linux-aarch64"))
    assert f"no package `python` on `{channel.url}` for linux-aarch64: it is there for linux-64 alone" in error.message
    assert error.hint == "run on linux-64, or name a channel in `channels` that has it for linux-aarch64"


def test_everything_that_is_not_there_is_told_at_once(channel: SmallChannel) -> None:
    error = refused(channel.spec("2.7", pands="", numpy="7"))
    for part in ("`pands`", "`numpy 7`", "`python 2.7`"):
        assert part in error.message


def test_a_library_for_older_pythons_names_both(channel: SmallChannel) -> None:
    error = refused(channel.spec("3.12", pandas="1.5.3"))
    assert "what excludes each other: `pandas 1.5.3` and `python 3.12`" in error.message
    assert reasons(error) == ["  pandas 1.5.3 needs python >=3.8,<3.12, but python 3.12 is asked for"]
    assert error.hint == "change the version of `pandas` or `python`"


def test_a_dependency_that_is_not_built_for_the_python_is_told(channel: SmallChannel) -> None:
    error = refused(channel.spec("3.12", pandas="2.2.2"))
    assert reasons(error)[0] == "  pandas 2.2.2 needs numpy >=1.26:"
    assert any("needs python 3.11.*, but python 3.12 is asked for" in line for line in reasons(error))


def test_a_dependency_against_a_version_that_was_asked_for(channel: SmallChannel) -> None:
    error = refused(channel.spec(pandas="1.5.3", numpy="2.1.0"))
    assert "`numpy 2.1.0` and `pandas 1.5.3`" in error.message
    assert reasons(error) == ["  pandas 1.5.3 needs numpy <2, but numpy 2.1.0 is asked for"]


def test_two_libraries_that_need_different_versions_of_a_third(channel: SmallChannel) -> None:
    error = refused(channel.spec(old_science="", new_science=""))
    assert "`new-science` and `old-science`" in error.message
    assert reasons(error) == ["  new-science 1.0 needs numpy >=2", "  old-science 1.0 needs numpy <2"]


def test_what_has_no_part_in_the_conflict_is_not_named(channel: SmallChannel) -> None:
    message = refused(channel.spec(old_science="", new_science="", pytz="", openssl="3.0")).message
    for bystander in ("pytz", "openssl", "python"):
        assert bystander not in message


def test_a_dependency_that_no_channel_has_is_named(channel: SmallChannel) -> None:
    error = refused(channel.spec(needs_ghost=""))
    assert "`needs-ghost`, which cannot be installed on linux-64" in error.message
    assert "ghost >=1, which no channel has" in error.message


def test_a_dependency_in_a_version_that_there_is_not_lists_those_there_are(channel: SmallChannel) -> None:
    channel.add("needs-future", "1.0", "openssl >=9")
    channel.index()
    assert reasons(refused(channel.spec(needs_future=""))) == [
        "  needs-future 1.0 needs openssl >=9, but there is only 3.0"
    ]


def test_what_the_image_does_not_have_is_told(channel: SmallChannel) -> None:
    assert "needs __cuda, but a step image has no cuda" in refused(channel.spec(needs_gpu="")).message
    assert "needs __glibc >=2.40, but a step image has glibc 2.36" in refused(channel.spec(needs_new_libc="")).message


def test_a_dependency_on_a_channel_of_less_priority_is_pointed_at(
    channel: SmallChannel, make_channel: Callable[[str], SmallChannel]
) -> None:
    first = make_channel("first")
    first.add("pytz", "2020.1", subdir="noarch")
    first.index()
    channel.add("needs-pytz", "1.0", "pytz >=2024")
    channel.index()
    error = refused(replace(channel.spec(needs_pytz=""), channels=(first.url, channel.url)))
    assert reasons(error) == [
        "  needs-pytz 1.0 needs pytz >=2024:",
        f"    pytz 2024.1 is on `{channel.url}`, after a channel that has other versions of it",
    ]
