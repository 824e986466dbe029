"""The document is made from the lock alone, is valid by the library's own schema, and says what needs what."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.images.sbom import Subject, cyclonedx
from tests.unit.environments.locks_by_hand import lock, package, spec

SUBJECT = Subject("dockerflow/step", "ab" * 12, f"sha256:{'1' * 64}", "debian:bookworm-slim", f"sha256:{'2' * 64}")

WHEEL = LockedPackage(
    manager="pip", name="Some.Thing", version="2.0", build="", sha256="3" * 64, md5=None, size=None,
    url="https://index.example/files/some_thing-2.0-py3-none-any.whl", dependencies=(("Pandas", ">=2"),),
)  # fmt: skip


@pytest.fixture
def pandas() -> Lock:
    made = lock(spec(pandas="2.2.3"), package("pandas", "2.2.3", ("numpy", ">=1"), ("python", "")), package("numpy"))
    return replace(made, packages=(*made.packages, WHEEL))


def read(lock: Lock, subject: Subject = SUBJECT) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(cyclonedx(lock, subject))
    return document


def test_the_document_is_valid_cyclonedx(pandas: Lock) -> None:
    for subject in (SUBJECT, Subject("Films/start")):
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(cyclonedx(pandas, subject)) is None


def test_the_same_lock_gives_the_same_bytes_and_another_one_another_serial_number(pandas: Lock) -> None:
    backwards = replace(pandas, packages=tuple(reversed(pandas.packages)))
    assert cyclonedx(pandas, SUBJECT) == cyclonedx(backwards, SUBJECT)
    assert "timestamp" not in read(pandas)["metadata"]
    other = replace(pandas, packages=pandas.packages[1:])
    assert read(pandas)["serialNumber"] != read(other)["serialNumber"]


def test_every_package_has_its_purl_and_the_hash_of_its_archive(pandas: Lock) -> None:
    found = {one["bom-ref"]: one for one in read(pandas)["components"]}
    assert found.keys() == {"base", *(f"{one.manager}:{one.name}" for one in pandas.packages)}
    conda = "pkg:conda/pandas@2.2.3?build=py311_0&channel=main&subdir=linux-64&type=conda"
    assert found["conda:pandas"]["purl"] == conda
    assert found["pip:Some.Thing"]["purl"] == "pkg:pypi/some-thing@2.0"
    assert found["pip:Some.Thing"]["hashes"] == [{"alg": "SHA-256", "content": "3" * 64}]
    assert found["base"]["hashes"] == [{"alg": "SHA-256", "content": "2" * 64}]


def test_what_needs_what_is_told_across_conda_and_pip(pandas: Lock) -> None:
    needs = {one["ref"]: one.get("dependsOn", []) for one in read(pandas)["dependencies"]}
    assert needs["image"] == ["base", "conda:pandas", "conda:python"]
    assert needs["conda:pandas"] == ["conda:numpy", "conda:python"]
    assert needs["pip:Some.Thing"] == ["conda:pandas", "conda:python"]


def test_a_program_from_conda_and_a_wheel_of_the_same_name_are_not_taken_for_each_other() -> None:
    made = lock(spec(app="1"), package("app", "1", ("cmake", ""), ("python", "")), package("cmake", "3.30.0"))
    wheel = replace(WHEEL, name="cmake", dependencies=())
    needs = {
        one["ref"]: one.get("dependsOn", [])
        for one in read(replace(made, packages=(*made.packages, wheel)))["dependencies"]
    }
    assert needs["conda:app"] == ["conda:cmake", "conda:python"]
    assert needs["pip:cmake"] == ["conda:python"]


def test_a_place_on_somebodys_machine_is_not_told(pandas: Lock, tmp_path: Path) -> None:
    local = replace(pandas.packages[0], url=(tmp_path / "channel/linux-64/x-1-0.conda").as_uri())
    assert str(tmp_path) not in cyclonedx(replace(pandas, packages=(local,)), SUBJECT)
