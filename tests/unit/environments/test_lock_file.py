"""Locks as conda-lock files. The oracle is conda-lock's own reader, models and writer."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from conda_lock.lockfile import (  # type: ignore[import-untyped]
    parse_conda_lock_file,
    write_conda_lock_file,
)
from conda_lock.lockfile.v1.models import Lockfile  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from dockerflow.environments.errors import LockFileError
from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.environments.lock_file import OtherPlatform, Whose, dumps, loads, read, read_every
from tests.unit.environments.locks_by_hand import lock, package, spec, wheel

SPEC = spec(pandas="1.5.3")
LOCK = lock(
    SPEC,
    package("pandas", "1.5.3", ("numpy", ">=1.20,<2"), ("python", ">=3.8"), ("__glibc", ">=2.17")),
    package("numpy", "1.26.4", ("python", "3.11.*")),
)

words = st.text("abcdefghijklmnopqrstuvwxyz0123456789_", min_size=1, max_size=8)
hexes = "0123456789abcdef"
packages = st.builds(
    LockedPackage,
    manager=st.just("conda"),
    name=words,
    version=st.from_regex(r"[0-9]{1,3}(\.[0-9e]{1,3}){0,2}", fullmatch=True),
    build=words,
    url=words.map(lambda name: f"https://channel.example/é/noarch/{name}.conda"),
    sha256=st.text(hexes, min_size=64, max_size=64),
    md5=st.text(hexes, min_size=32, max_size=32),
    size=st.none() | st.integers(0, 1 << 40),
    dependencies=st.dictionaries(words, st.sampled_from(["", "1.0", ">=1,<2", "*"])).map(
        lambda d: tuple(sorted(d.items()))
    ),
)
locks = st.builds(
    Lock,
    platform=st.sampled_from(["linux-64", "linux-aarch64"]),
    packages=st.lists(packages, max_size=5, unique_by=(lambda p: p.name, lambda p: p.url)).map(tuple),
    requested=st.sets(words).map(lambda names: tuple(sorted(names))),
    channels=st.lists(words, max_size=3).map(tuple),
    spec_hash=st.text(hexes, min_size=64, max_size=64),
)


@settings(deadline=None)  # a busy machine is slow
@given(locks)
def test_a_lock_is_read_back_as_it_was_written(written: Lock) -> None:
    file = read(dumps(written), "a lock")
    assert file.lock == written
    assert file.intact


@settings(deadline=None)  # a busy machine is slow
@given(locks)
def test_what_is_written_is_what_conda_locks_own_models_write(written: Lock) -> None:
    document = yaml.safe_load(dumps(written))
    again = Lockfile.model_validate(document).dict_for_output()
    assert again == document
    assert dumps(written).endswith(yaml.dump(again, sort_keys=False, width=1 << 16, allow_unicode=True))


def test_conda_lock_reads_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "train.conda-lock.yml"
    path.write_text(dumps(LOCK))
    parsed = parse_conda_lock_file(path)
    assert {p.name: (p.url, p.hash.sha256, p.hash.md5, p.dependencies) for p in parsed.package} == {
        p.name: (p.url, p.sha256, p.md5, dict(p.dependencies)) for p in LOCK.packages
    }
    assert parsed.metadata.platforms == ["linux-64"]


def test_what_conda_lock_itself_writes_is_read(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.yml", tmp_path / "theirs.yml"
    ours.write_text(dumps(LOCK))
    write_conda_lock_file(parse_conda_lock_file(ours), theirs, metadata_choices=None)
    assert loads(theirs.read_text(), "theirs") == LOCK


def test_a_file_of_conda_lock_alone_has_no_spec_and_no_sizes() -> None:
    file = read(changed(lambda document: document["metadata"].pop("custom_metadata")), "foreign.yml")
    assert not file.intact
    assert (file.lock.spec_hash, file.lock.requested) == ("", ())
    assert [p.size for p in file.lock.packages] == [None, None, None]


def test_an_older_file_without_builds_has_them_from_the_archives_names() -> None:
    text = changed(lambda document: [entry.pop("build") for entry in document["package"]])
    assert [p.build for p in loads(text, "old.yml").packages] == ["py311_0"] * 3


def test_development_packages_are_left_out() -> None:
    def add_one(document: dict[str, Any]) -> None:
        entry = document["package"][0] | {"name": "pytest", "category": "dev", "optional": True}
        document["package"].append(entry)

    assert loads(changed(add_one), "dev.yml").package("pytest") is None


def test_one_platform_of_several_is_read() -> None:
    def add_platform(document: dict[str, Any]) -> None:
        document["metadata"]["platforms"].append("linux-aarch64")
        document["metadata"]["content_hash"]["linux-aarch64"] = "0" * 64
        document["package"].append(document["package"][0] | {"platform": "linux-aarch64", "version": "9"})

    text = changed(add_platform)
    assert loads(text, "both.yml", "linux-64") == LOCK
    assert [p.version for p in loads(text, "both.yml", "linux-aarch64").packages] == ["9"]
    with pytest.raises(LockFileError, match="2 platforms where one was expected"):
        loads(text, "both.yml")


@settings(deadline=None, max_examples=25)  # a busy machine is slow
@given(locks, locks)
def test_locks_of_two_platforms_in_one_file_are_read_back(one: Lock, other: Lock) -> None:
    one, other = replace(one, platform="linux-64"), replace(other, platform="linux-aarch64", channels=one.channels)
    text = dumps(other, one)
    assert [file.lock for file in read_every(text, "both.yml")] == [one, other]
    assert all(file.intact for file in read_every(text, "both.yml"))
    document = yaml.safe_load(text)
    assert Lockfile.model_validate(document).dict_for_output() == document


def test_the_entries_of_a_package_stand_beside_each_other() -> None:
    arm = replace(LOCK, platform="linux-aarch64")
    entries = yaml.safe_load(dumps(LOCK, arm))["package"]
    assert [(entry["name"], entry["platform"]) for entry in entries] == [
        (name, platform) for name in ("numpy", "pandas", "python") for platform in ("linux-64", "linux-aarch64")
    ]


def test_a_file_says_whose_it_is_in_words_and_as_a_value() -> None:
    text = dumps(LOCK, whose=Whose("Genres", ("train", "test")))
    assert "# For steps train, test of Genres; `dockerflow lock` renews it.\n" in text
    assert read(text, "a.yml").whose == Whose("Genres", ("train", "test"))
    assert read(dumps(LOCK), "a.yml").whose == Whose()


def test_wheels_are_entries_of_pip(tmp_path: Path) -> None:
    both = replace(LOCK, packages=(*LOCK.packages, wheel("pandas", "1.5.3", "numpy"), wheel("numpy", "1.26.4")))
    path = tmp_path / "both.conda-lock.yml"
    path.write_text(dumps(both))
    assert loads(path.read_text(), "both") == both
    theirs = [p for p in parse_conda_lock_file(path).package if p.manager == "pip"]
    assert [(p.name, p.url, p.hash.sha256, p.dependencies) for p in theirs] == [
        (p.name, p.url, p.sha256, dict(p.dependencies)) for p in both.packages if p.manager == "pip"
    ]


def test_a_hash_at_the_end_of_a_wheels_url_counts() -> None:
    """As older versions of conda-lock write it."""
    numpy = wheel("numpy", "1.26.4")

    def move_the_hash(document: dict[str, Any]) -> None:
        entry = next(entry for entry in document["package"] if entry["manager"] == "pip")
        entry["url"] += f"#sha256={entry['hash'].pop('sha256')}"

    document = yaml.safe_load(dumps(replace(LOCK, packages=(*LOCK.packages, numpy))))
    move_the_hash(document)
    found = loads(yaml.safe_dump(document, sort_keys=False), "foreign.yml").packages
    assert [replace(p, size=numpy.size) for p in found if p.manager == "pip"] == [numpy]


def test_equal_locks_are_equal_bytes() -> None:
    assert dumps(LOCK) == dumps(replace(LOCK, packages=LOCK.packages[::-1]))


def test_another_version_of_one_package_changes_its_lines_alone() -> None:
    newer = tuple(package("numpy", "1.26.5") if p.name == "numpy" else p for p in LOCK.packages)
    before, after = dumps(LOCK).splitlines(), dumps(replace(LOCK, packages=newer)).splitlines()
    gone = [line for line in before if line not in after]
    of_numpy = ("numpy", "1.26.4", "lock_hash", "md5", "sha256", "python: 3.11")
    assert all(any(part in line for part in of_numpy) for line in gone), gone


def test_a_package_without_md5_cannot_be_written() -> None:
    with pytest.raises(LockFileError, match="`numpy` has no md5"):
        dumps(replace(LOCK, packages=(replace(package("numpy"), md5=None),)))


def test_an_altered_file_is_not_intact() -> None:
    assert not read(dumps(LOCK).replace("version: 1.5.3", "version: 1.5.2"), "altered.yml").intact


# --- files that cannot be used: each says where


def changed(change: Any) -> str:
    document = yaml.safe_load(dumps(LOCK))
    change(document)
    return yaml.safe_dump(document, sort_keys=False)


def refused(text: str, platform: str | None = None) -> LockFileError:
    with pytest.raises(LockFileError) as caught:
        loads(text, "flow.locks/a.yml", platform)
    return caught.value


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_what_is_not_yaml_is_refused_with_its_line() -> None:
    text = dumps(LOCK).replace("package:\n", "<<<<<<< HEAD\npackage:\n")
    assert "is not YAML" in refused(text).message
    assert f"a.yml:{line_of(text, '<<<<<<<') + 1}" in refused(text).message


@pytest.mark.parametrize("value", ["2021-99-99", "9" * 5000])
def test_a_value_that_there_cannot_be_is_refused(value: str) -> None:
    text = dumps(LOCK).replace("version: 1\n", f"version: {value}\n", 1)
    assert "the lock `flow.locks/a.yml` has a value that is none" in refused(text).message


@pytest.mark.parametrize(
    ("url", "read_as"),
    [
        ("https://me:hushed@host/c/linux-64/x-1-0.conda", "https://host/c/linux-64/x-1-0.conda"),
        ("https://host/t/hushed/c/linux-64/x-1-0.conda?sig=hushed", "https://host/c/linux-64/x-1-0.conda"),
    ],
)
def test_credentials_in_a_lock_of_another_tool_go_no_further(url: str, read_as: str) -> None:
    def private(document: dict[str, Any]) -> None:
        document["package"][0]["url"] = url
        document["metadata"]["channels"][0]["url"] = url

    found = loads(changed(private), "flow.locks/a.yml")
    assert read_as in [each.url for each in found.packages]
    assert "hushed" not in dumps(found)


def test_a_url_that_is_none_is_refused_with_its_line() -> None:
    text = changed(lambda document: document["package"][0].update(url="https://[host/x-1-0.conda"))
    assert f"a.yml:{line_of(text, '[host')}" in refused(text).message
    assert "its URL cannot be read" in refused(text).message


@pytest.mark.parametrize("text", ["", "[]", "just words"])
def test_what_is_no_mapping_is_refused(text: str) -> None:
    assert "is not a mapping" in refused(text).message


def test_an_unknown_version_is_refused_with_its_line() -> None:
    text = dumps(LOCK).replace("version: 1\n", "version: 7\n", 1)
    assert f"a.yml:{line_of(text, 'version: 7')}" in refused(text).message
    assert "version is `7`" in refused(text).message


def test_a_package_without_sha256_is_refused_with_its_line() -> None:
    text = changed(lambda document: document["package"][1]["hash"].pop("sha256"))
    assert "`pandas` has no sha256" in refused(text).message
    assert f"a.yml:{line_of(text, 'name: pandas') + 9}" in refused(text).message


def test_a_hash_that_is_none_is_refused() -> None:
    text = dumps(LOCK).replace("sha256: ", "sha256: xyz", 1)
    assert "is not the hex digits of a sha256" in refused(text).message


def test_another_platform_is_told_apart_from_a_broken_file() -> None:
    error = refused(dumps(LOCK), "linux-aarch64")
    assert isinstance(error, OtherPlatform)
    assert "only for `linux-64`" in error.message


def test_a_package_that_is_there_twice_is_refused() -> None:
    text = changed(lambda document: document["package"].append(deepcopy(document["package"][0])))
    assert "`numpy` is there twice" in refused(text).message
    again = [number for number, line in enumerate(text.splitlines(), 1) if line == "- name: numpy"][1]
    assert f"a.yml:{again}" in refused(text).message


@pytest.mark.parametrize("key", ["name", "version", "url", "manager"])
def test_a_missing_key_is_named(key: str) -> None:
    text = changed(lambda document: document["package"][1].pop(key))
    assert f"`package[1].{key}` is missing" in refused(text).message


@pytest.mark.parametrize("key", ["metadata", "package"])
def test_a_missing_part_is_named(key: str) -> None:
    assert key in refused(changed(lambda document: document.pop(key))).message


def test_what_conda_locks_models_refuse_is_refused() -> None:
    def spoil(document: dict[str, Any]) -> None:
        document["metadata"].pop("custom_metadata")
        document["package"][0]["colour"] = "blue"

    text = changed(spoil)
    assert "package[0].colour" in refused(text).message
    assert f"a.yml:{line_of(text, 'colour')}" in refused(text).message
