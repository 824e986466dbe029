"""Channels that cannot be asked: each error names the channel, the step, and what to do."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dockerflow.environments.errors import ChannelError
from dockerflow.environments.solver import solve
from dockerflow.environments.spec import EnvironmentSpec
from tests.integration.environments.small_channel import SmallChannel


def refused(*channels: str, timeout: int = 30) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        solve(EnvironmentSpec("3.11", (), channels, "linux-64"), ("train",), timeout)
    assert "step `train`" in caught.value.message
    assert caught.value.hint is not None
    assert "dockerflow doctor" in caught.value.hint
    assert "channels" in caught.value.hint
    return caught.value


@pytest.fixture
def served(channel: SmallChannel) -> Iterator[str]:
    """The channel over HTTP."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that has heard enough hangs up."""

    def handler(*args: object) -> Quiet:
        return Quiet(*args, directory=str(channel.folder))  # type: ignore[arg-type]

    with Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_channel_over_http_is_solved_from(channel: SmallChannel, served: str) -> None:
    lock = solve(replace(channel.spec(pandas="1.5.3"), channels=(served,)))
    assert all(package.url.startswith(f"{served}/") for package in lock.packages)
    assert lock.lock_hash == solve(channel.spec(pandas="1.5.3")).lock_hash


def test_a_channel_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = refused(f"http://127.0.0.1:{port}/main")
    assert f"the channel `http://127.0.0.1:{port}/main` does not answer: Connection refused" in error.message


def test_a_channel_that_takes_the_question_and_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/main"
        assert f"the channel `{url}` does not answer: operation timed out" in refused(url, timeout=1).message


def test_a_host_that_there_is_not() -> None:
    assert "`http://nowhere.invalid/main` does not answer" in refused("http://nowhere.invalid/main").message


def test_a_folder_that_is_no_channel(tmp_path: Path) -> None:
    error = refused(tmp_path.as_uri())
    assert f"`{tmp_path.as_uri()}` is not a conda channel: it has no `{tmp_path.as_uri()}/noarch/repodata.json`" in (
        error.message
    )


def test_a_server_without_the_channel(served: str) -> None:
    assert f"`{served}/other` is not a conda channel" in refused(f"{served}/other").message


def test_repodata_that_is_broken(channel: SmallChannel) -> None:
    for path in channel.folder.rglob("repodata*"):
        path.unlink()
    for subdir in ("noarch", "linux-64"):
        (channel.folder / subdir / "repodata.json").write_text('{"packages": {')
    assert f"the channel `{channel.url}` cannot be read" in refused(channel.url).message


def test_of_several_channels_the_one_that_fails_is_named(channel: SmallChannel, tmp_path: Path) -> None:
    missing = (tmp_path / "missing").as_uri()
    error = refused(channel.url, missing)
    assert missing in error.message
    assert f"`{channel.url}`" not in error.message


def test_credentials_that_cannot_be_read(
    channel: SmallChannel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "credentials.json").write_text("not json")
    monkeypatch.setenv("RATTLER_AUTH_FILE", str(tmp_path / "credentials.json"))
    with pytest.raises(ChannelError, match="credentials for channels cannot be read") as caught:
        solve(channel.spec())
    assert "credentials.json" in caught.value.message
    assert "RATTLER_AUTH_FILE" in str(caught.value.hint)
