"""Channels and indexes that want credentials: these are used, and get into no lock, hash, message, event or image."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dockerflow.environments.errors import ChannelError, PackageIndexError
from dockerflow.environments.lock import Lock
from dockerflow.environments.lock_file import dumps
from dockerflow.environments.solver import solve
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.images.builder import ImageBuilder
from dockerflow.images.errors import PackageError
from dockerflow.images.packages import PackageCache
from dockerflow.progress import Event
from dockerflow.setup.channels import why_silent
from tests.integration.environments.small_channel import SmallChannel
from tests.private_server import SECRET, USER, PrivateServer
from tests.unit.images.made_wheel import MadeWheel, WheelEntry
from tests.unit.images.test_builder import base

ENTRIES: dict[str, dict[str, object]] = {
    "basic": {"BasicHTTP": {"username": USER, "password": SECRET}},
    "bearer": {"BearerToken": SECRET},
    "path": {"CondaToken": SECRET},
}
NETRC = f"machine 127.0.0.1\nlogin {USER}\npassword {SECRET}\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own, which knows no credentials and where nothing was asked before."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    for variable in ("RATTLER_AUTH_FILE", "NETRC", "XDG_CACHE_HOME", "RATTLER_CACHE_DIR", "UV_CACHE_DIR"):
        monkeypatch.delenv(variable, raising=False)
    return folder


@pytest.fixture
def channel(tmp_path: Path) -> SmallChannel:
    channel = SmallChannel(tmp_path / "channel")
    channel.add("python", "3.11.9")
    channel.add("pandas", "1.5.3", "python")
    return channel.index()


def give(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let this machine know the credentials; returns how the server must ask for them."""
    kind, _, place = how.partition(" ")
    if place == "netrc":
        (tmp_path / "home" / ".netrc").write_text(NETRC)
    else:
        (tmp_path / "credentials.json").write_text(json.dumps({"127.0.0.1": ENTRIES[kind]}))
        monkeypatch.setenv("RATTLER_AUTH_FILE", str(tmp_path / "credentials.json"))
    return kind


def spec(server: PrivateServer, **libraries: str) -> EnvironmentSpec:
    return EnvironmentSpec("3.11", tuple(libraries.items()), (server.url,), "linux-64")


def holding_the_secret(folder: Path) -> Iterator[Path]:
    """Files below a folder that have it in their text."""
    for parent, _, names in os.walk(folder):
        for path in (Path(parent, name) for name in names):
            if SECRET.encode() in path.read_bytes():
                yield path.relative_to(folder)


@pytest.mark.parametrize("how", ["basic netrc", "basic file", "bearer file", "path file"])
def test_credentials_are_used_and_appear_nowhere(
    how: str, channel: SmallChannel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the solution to the layers: only the files that the user wrote them into have them afterwards."""
    events: list[Event] = []
    with PrivateServer(channel.folder, give(how, tmp_path, monkeypatch)) as server:
        lock = solve(spec(server, pandas="1.5.3"), ("train",))
        image = ImageBuilder(tmp_path / "cache", base(tmp_path / "cache")).build(lock, events.append, ("train",))
        assert {Path(path).suffix for path in server.let_in} >= {".zst", ".conda"}
    assert SECRET not in f"{lock}{dumps(lock)}{events}{image}{image.config!r}{image.manifest!r}"
    assert set(map(str, holding_the_secret(tmp_path))) == {
        "home/.netrc" if "netrc" in how else "credentials.json",
    }
    assert lock.lock_hash == solve(channel.spec(pandas="1.5.3")).lock_hash


def test_packages_whose_urls_a_channel_gives_with_the_secret_are_locked_without_it(
    channel: SmallChannel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PrivateServer(channel.folder, give("path file", tmp_path, monkeypatch)) as server:
        for folder in ("noarch", "linux-64"):
            for faster in ("repodata.json.zst", "repodata_shards.msgpack.zst"):
                (channel.folder / folder / faster).unlink(missing_ok=True)
            if (path := channel.folder / folder / "repodata.json").exists():
                base_url = f"{server.url}/t/{SECRET}/{folder}"
                repodata = json.loads(path.read_text())
                repodata["info"]["base_url"], repodata["repodata_version"] = base_url, 2
                path.write_text(json.dumps(repodata))
        lock = solve(spec(server, pandas="1.5.3"))
        assert SECRET not in dumps(lock)
        fetched = [PackageCache(tmp_path / "cache", pauses=()).fetch(package) for package in lock.packages]
    assert len(fetched) == len(lock.packages)


@pytest.mark.parametrize("how", ["basic netrc", "bearer file", "path file", "basic nowhere"])
def test_a_channel_that_wants_other_credentials_is_told_with_where_they_belong(
    how: str, channel: SmallChannel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = "basic" if "nowhere" in how else give(how, tmp_path, monkeypatch)
    with PrivateServer(channel.folder, kind) as server:
        server.let_nobody_in()
        with pytest.raises(ChannelError) as caught:
            solve(spec(server), ("train",))
    assert f"the channel `{server.url}` wants other credentials" in caught.value.message
    assert "step `train`" in caught.value.message
    assert "RATTLER_AUTH_FILE" in str(caught.value.hint)
    assert SECRET not in str(caught.value)


def test_a_package_that_wants_other_credentials_is_told_without_the_ones_that_were_used(
    channel: SmallChannel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PrivateServer(channel.folder, give("path file", tmp_path, monkeypatch)) as server:
        lock = solve(spec(server, pandas="1.5.3"))
        server.let_nobody_in()
        error = _not_fetched(lock, tmp_path)
        assert "RATTLER_AUTH_FILE" in str(error.hint)
    gone = _not_fetched(lock, tmp_path)  # nobody listens any more
    assert SECRET not in f"{error}{gone}"


def _not_fetched(lock: Lock, folder: Path) -> PackageError:
    with pytest.raises(PackageError) as caught:
        PackageCache(folder / "cache", pauses=()).fetch(lock.packages[0])
    return caught.value


@pytest.mark.parametrize("how", ["basic netrc", "path file"])
def test_set_up_asks_a_channel_as_the_solver_does(
    how: str, channel: SmallChannel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PrivateServer(channel.folder, give(how, tmp_path, monkeypatch)) as server:
        assert why_silent(server.url) is None
        server.let_nobody_in()
        reason = why_silent(server.url)
    assert reason is not None
    assert reason.startswith("401 Unauthorized: put them into `~/.netrc`")
    assert SECRET not in reason


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """A package index with one wheel."""
    folder = tmp_path / "index"
    (folder / "simple" / "hushing").mkdir(parents=True)
    wheel = MadeWheel("hushing", {"hushing.py": WheelEntry(b"QUIET = True\n")})
    wheel.write(folder / "simple" / "hushing")
    (folder / "simple" / "hushing" / "index.html").write_text(f'<a href="{wheel.file_name}">{wheel.file_name}</a>')
    return folder


def test_an_index_is_asked_with_the_credentials_of_netrc_which_appear_nowhere(
    index: Path, channel: SmallChannel, tmp_path: Path
) -> None:
    (tmp_path / "home" / ".netrc").write_text(NETRC)
    (tmp_path / "home" / ".netrc").chmod(0o600)
    events: list[Event] = []
    with PrivateServer(index, "basic") as server:
        wanted = replace(channel.spec(), pypi=("hushing",), indexes=(f"{server.url}/simple",))
        lock = solve(wanted, ("train",))
        image = ImageBuilder(tmp_path / "cache", base(tmp_path / "cache")).build(lock, events.append, ("train",))
        assert any(path.endswith(".whl") for path in server.let_in)
    assert [package.name for package in lock.packages if package.manager == "pip"] == ["hushing"]
    assert SECRET not in f"{lock}{dumps(lock)}{events}{image}{image.config!r}{image.manifest!r}"
    assert list(map(str, holding_the_secret(tmp_path))) == ["home/.netrc"]


def test_an_index_that_wants_other_credentials_is_told_without_those_that_were_used(
    index: Path, channel: SmallChannel, tmp_path: Path
) -> None:
    (tmp_path / "home" / ".netrc").write_text(NETRC)
    with PrivateServer(index, "basic") as server:
        server.let_nobody_in()
        with pytest.raises(PackageIndexError) as caught:
            solve(replace(channel.spec(), pypi=("hushing",), indexes=(f"{server.url}/simple",)), ("train",))
    assert f"{server.url}/simple" in caught.value.message
    assert SECRET not in str(caught.value)
