"""Packages of an index: what is in their locks, alone and on top of conda's. The index is real, and small."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from dockerflow.environments.errors import Unsatisfiable
from dockerflow.environments.fit import satisfies
from dockerflow.environments.lock import Lock
from dockerflow.environments.lock_file import dumps, loads
from dockerflow.environments.solver import solve
from dockerflow.environments.spec import EnvironmentSpec
from tests.integration.environments.small_channel import SmallChannel
from tests.integration.environments.small_index import SmallIndex
from tests.private_server import SECRET, USER, PrivateServer

Ask = Callable[..., EnvironmentSpec]


@pytest.fixture
def ask(channel: SmallChannel, index: SmallIndex) -> Ask:
    """A spec on the small channel and the small index."""

    def spec(*pypi: str, python: str = "3.11", constraints: tuple[str, ...] = (), **conda: str) -> EnvironmentSpec:
        return replace(channel.spec(python, **conda), pypi=pypi, constraints=constraints, indexes=(index.url,))

    return spec


def versions(lock: Lock, manager: str = "pip") -> dict[str, str]:
    return {package.name: package.version for package in lock.packages if package.manager == manager}


def test_a_step_of_an_index_alone_has_its_python_from_conda(ask: Ask) -> None:
    lock = solve(ask("colours"))
    assert versions(lock) == {"colours": "2.1"}
    assert versions(lock, "conda") == {"openssl": "3.0", "python": "3.11.9"}
    assert lock.requested == ("colours",)


def test_a_wheel_is_named_by_its_content(ask: Ask) -> None:
    (wheel,) = (package for package in solve(ask("colours==2.0")).packages if package.manager == "pip")
    content = Path(urlsplit(wheel.url).path).read_bytes()
    assert wheel.sha256 == hashlib.sha256(content).hexdigest()
    assert wheel.file_name == "Colours-2.0-py3-none-any.whl"


def test_an_index_without_hashes_has_its_wheels_read(index: SmallIndex, ask: Ask) -> None:
    told = solve(ask("colours"))
    index.hashes = False
    index.index()
    found = solve(ask("colours"))
    assert found.lock_hash == told.lock_hash
    assert found.packages[0].size == Path(urlsplit(found.packages[0].url).path).stat().st_size


def test_a_lock_says_which_wheel_needs_which(ask: Ask) -> None:
    lock = solve(ask("tables[plot]==1.0", "colours", numpy="2.1.0"))
    needs = {package.name: package.dependencies for package in lock.packages if package.manager == "pip"}
    assert needs == {
        "colours": (),
        "plots": (("colours", ""), ("numpy", "")),
        "tables": (("colours", ""), ("numpy", ""), ("plots", "")),
    }


def test_what_conda_brings_is_not_taken_from_the_index(ask: Ask, index: SmallIndex) -> None:
    index.add("numpy", "2.9")
    index.index()
    lock = solve(ask("tables", numpy=""))
    assert versions(lock, "conda")["numpy"] == "2.1.0"
    assert set(versions(lock)) == {"tables", "colours"}
    assert lock.requested == ("numpy", "tables")
    assert satisfies(lock, ask("tables", numpy="")) == []


def test_what_the_index_is_asked_for_limits_what_conda_chooses(ask: Ask) -> None:
    """conda alone would take numpy 2, and there would be no solution."""
    lock = solve(ask("numpy<2", "tables", numpy=""))
    assert versions(lock, "conda")["numpy"] == "1.26.4"
    assert versions(solve(ask("tables", constraints=("numpy<2",), numpy="")), "conda")["numpy"] == "1.26.4"


def test_a_package_with_another_name_in_conda_is_the_same_package(
    channel: SmallChannel, index: SmallIndex, ask: Ask
) -> None:
    channel.add("pytorch", "2.3.0", "python")
    channel.index()
    index.add("torch", "9.9")
    index.add("vision", "1.0", "torch>=2")
    index.index()
    lock = solve(ask("vision", "torch", pytorch=""))
    assert set(versions(lock)) == {"vision"}
    assert lock.package("vision").dependencies == (("pytorch", ""),)  # type: ignore[union-attr]
    assert lock.requested == ("pytorch", "vision")


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("linux-64", "fast-1.0-cp311-cp311-manylinux2014_x86_64.whl"),
        ("linux-aarch64", "fast-1.0-cp311-cp311-manylinux2014_aarch64.whl"),
    ],
)
def test_wheels_are_those_of_the_image(channel: SmallChannel, ask: Ask, platform: str, expected: str) -> None:
    """Not those of this machine, and none for a newer C library than the image's."""
    channel.add("python", "3.11.9", subdir="linux-aarch64")
    channel.index()
    fast = solve(replace(ask("fast"), platform=platform)).package("fast")
    assert fast is not None
    assert fast.file_name == expected


@pytest.mark.parametrize(("python", "abi"), [("3.7.4", "cp37-cp37m"), ("3.13.1", "cp313-cp313")])
def test_old_and_new_pythons_get_wheels_of_their_own(channel: SmallChannel, ask: Ask, python: str, abi: str) -> None:
    channel.add("python", python)
    channel.index()
    fast = solve(ask("fast", python=python)).package("fast")
    assert fast is not None
    assert fast.file_name == f"fast-1.0-{abi}-manylinux2014_x86_64.whl"


def test_pandas_of_the_first_article_locks_where_a_channel_has_it(channel: SmallChannel) -> None:
    channel.add("python", "3.7.4")
    channel.add("numpy", "1.21.6", "python >=3.7,<3.8.0a0", build="py37h1_0")
    channel.add("pandas", "0.24.2", "numpy >=1.12.0", "python >=3.7,<3.8.0a0", "pytz", build="py37hb3f55d8_0")
    channel.index()
    lock = solve(channel.spec("3.7.4", pandas="0.24.2"))
    assert versions(lock, "conda") == {
        "numpy": "1.21.6", "pandas": "0.24.2", "python": "3.7.4", "pytz": "2024.1",
    }  # fmt: skip
    assert loads(dumps(lock), "a lock") == lock


def test_a_folder_of_wheels_is_an_index(ask: Ask, index: SmallIndex) -> None:
    spec = replace(ask("colours==2.0"), indexes=(index.wheels.as_uri(), index.url))
    (wheel,) = (package for package in solve(spec).packages if package.manager == "pip")
    assert wheel.url.startswith("file:///")
    assert wheel.sha256 == hashlib.sha256(Path(urlsplit(wheel.url).path).read_bytes()).hexdigest()


def test_a_wheel_that_is_asked_for_by_its_url_is_that_one(ask: Ask, index: SmallIndex) -> None:
    wheel = index.add("elsewhere", "4.0", "colours")
    spec = ask(f"elsewhere @ {wheel.as_uri()}")
    lock = solve(spec)
    assert versions(lock) == {"colours": "2.1", "elsewhere": "4.0"}
    assert lock.package("elsewhere").url == wheel.as_uri()  # type: ignore[union-attr]
    assert satisfies(lock, spec) == []


def test_constraints_limit_and_ask_for_nothing(ask: Ask) -> None:
    assert versions(solve(ask("paint", constraints=("colours<2.1", "fast<1")))) == {"colours": "2.0", "paint": "1.0"}


def test_what_is_kept_stays_where_it_may(ask: Ask) -> None:
    old = solve(ask("colours==2.0", pandas="1.5.3"))
    new = solve(ask("colours", pandas="2.2.2"), keep=old.packages)
    assert versions(new) == {"colours": "2.0"}
    assert versions(new, "conda") == versions(old, "conda") | {"pandas": "2.2.2"}
    assert versions(solve(ask("colours>2", pandas="2.2.2"), keep=old.packages)) == {"colours": "2.1"}


def test_a_kept_package_that_the_channel_has_no_more_is_replaced(channel: SmallChannel, ask: Ask) -> None:
    old = solve(ask(numpy="1.26.4"))
    gone = [replace(package, sha256="0" * 64, version="1.0") for package in old.packages]
    assert versions(solve(ask(numpy=""), keep=gone), "conda")["numpy"] == "2.1.0"


def test_the_same_spec_gives_the_same_lock(ask: Ask) -> None:
    spec = ask("tables", "paint", numpy="")
    assert dumps(solve(spec)) == dumps(solve(spec))


def test_what_would_change_the_solution_is_kept_from_uv(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "limits.txt").write_text("colours<2\n")
    monkeypatch.setenv("UV_CONSTRAINT", str(tmp_path / "limits.txt"))
    monkeypatch.setenv("UV_RESOLUTION", "lowest")
    assert versions(solve(ask("colours"))) == {"colours": "2.1"}


def test_what_a_users_uv_toml_prefers_changes_no_solution(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "uv").mkdir()
    (tmp_path / "uv" / "uv.toml").write_text('resolution = "lowest"\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert versions(solve(ask("colours"))) == {"colours": "2.1"}


@pytest.mark.parametrize("variable", ["UV_EXTRA_INDEX_URL", "UV_INDEX"])
def test_where_indexes_are_named_no_others_are_asked(
    variable: str, ask: Ask, index: SmallIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv(variable, index.pages.as_uri())
    with pytest.raises(Unsatisfiable, match=r"which the package index `.*` does not have"):
        solve(replace(ask("colours"), indexes=(elsewhere.as_uri(),)))


def test_credentials_of_an_index_are_read_and_written_nowhere(
    ask: Ask, index: SmallIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login {USER} password {SECRET}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with PrivateServer(index.folder, "basic") as server:
        spec = replace(ask("paint"), indexes=(f"{server.url}/simple",))
        lock = solve(spec)
        assert versions(lock) == {"colours": "2.1", "paint": "1.0"}
        assert all(package.url.startswith(server.url) for package in lock.packages if package.manager == "pip")
        assert server.let_in
    text = dumps(lock) + spec.spec_hash + lock.lock_hash
    assert SECRET not in text
    assert USER not in text
