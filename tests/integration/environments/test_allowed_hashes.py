"""Hashes that a `requirements.txt` gives: the wheel that is locked has one of them, or there is no lock."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from dockerflow.environments.errors import PackageIndexError
from dockerflow.environments.fit import satisfies
from dockerflow.environments.solver import solve
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.flow.definition import Pypi
from tests.integration.environments.small_channel import SmallChannel
from tests.integration.environments.small_index import SmallIndex
from tests.unit.environments.asking import asked

OTHER = "0" * 64


@pytest.fixture
def hashed(channel: SmallChannel, index: SmallIndex, tmp_path: Path) -> EnvironmentSpec:
    """A step with a `requirements.txt` as `pip-compile --generate-hashes` writes it."""
    (wheel,) = index.wheels.glob("Colours-2.0-*.whl")
    sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (tmp_path / "requirements.txt").write_text(
        f"colours==2.0 \\\n    --hash=sha256:{OTHER} \\\n    --hash=sha256:{sha256}\n    # via nobody\n"
    )
    spec = asked(Pypi(python="3.11", file=str(tmp_path / "requirements.txt")), indexes=(index.url,))
    assert dict(spec.hashes) == {"colours": (OTHER, sha256)}
    return replace(spec, channels=(channel.url,))


def test_a_wheel_with_one_of_the_hashes_is_locked(hashed: EnvironmentSpec) -> None:
    lock = solve(hashed)
    assert [package.name for package in lock.packages if package.manager == "pip"] == ["colours"]
    assert satisfies(lock, hashed) == []


def test_a_wheel_that_somebody_has_changed_is_refused(hashed: EnvironmentSpec) -> None:
    with pytest.raises(PackageIndexError) as caught:
        solve(replace(hashed, hashes=(("colours", (OTHER,)),)), ("train",))
    for part in ("step `train`", "`Colours-2.0-py3-none-any.whl`", "none of those written for `colours`"):
        assert part in caught.value.message


def test_a_lock_with_another_wheel_does_not_satisfy(hashed: EnvironmentSpec) -> None:
    (reason,) = satisfies(solve(hashed), replace(hashed, hashes=(("colours", (OTHER,)),)))
    assert "none of those written for `colours`" in reason
