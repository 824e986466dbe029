"""Archives are fetched from a real server on this machine, verified, and kept only if they are the locked ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dockerflow.environments.lock import LockedPackage
from dockerflow.images.errors import PackageError
from dockerflow.images.packages import PackageCache, check_unchanged, stamp
from dockerflow.progress import Event, PackageFetching
from dockerflow.store.directory import DirectoryStore
from tests.unit.images.made import File, Made, locked

MADE = Made("fetched", {"a": File(b"x" * 100_000)})


class Server:
    """Serves one archive; `answers` says which of its first answers are `cut` short or `missing`."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.answers: list[str] = []
        self.asked = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = server.answers[server.asked] if server.asked < len(server.answers) else "whole"
                server.asked += 1
                self.send_response(404 if answer == "missing" else 200)
                self.send_header("Content-Length", str(len(server.data)))
                self.end_headers()
                self.wfile.write(server.data if answer != "cut" else server.data[:100])

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}/linux-64/{MADE.file_name}"


@pytest.fixture
def package(tmp_path: Path) -> LockedPackage:
    return locked(MADE, MADE.write(tmp_path / "channel"))


@pytest.fixture
def server(package: LockedPackage) -> Iterator[Server]:
    server = Server(Path(package.url.removeprefix("file://")).read_bytes())
    yield server
    server.http.shutdown()
    server.http.server_close()


def cache(folder: Path) -> tuple[PackageCache, list[float]]:
    waited: list[float] = []
    return PackageCache(folder / "cache", pauses=(1.0, 2.0), sleep=waited.append), waited


def files(folder: Path) -> list[Path]:
    return [path for path in (folder / "cache").rglob("*") if path.is_file()]


def test_an_archive_of_a_channel_on_this_machine_is_used_where_it_lies(tmp_path: Path, package: LockedPackage) -> None:
    packages, _ = cache(tmp_path)
    assert packages.fetch(package).as_uri() == package.url
    assert files(tmp_path) == []


def test_an_archive_is_downloaded_once_and_told_while_it_comes(
    tmp_path: Path, package: LockedPackage, server: Server
) -> None:
    packages, _ = cache(tmp_path)
    events: list[Event] = []
    remote = replace(package, url=server.url)
    path = packages.fetch(remote, events.append)
    assert path.read_bytes() == server.data
    assert packages.fetch(remote) == path
    assert server.asked == 1
    assert events[-1] == PackageFetching(MADE.file_name, len(server.data), len(server.data))


def test_a_download_that_breaks_off_is_tried_again(tmp_path: Path, package: LockedPackage, server: Server) -> None:
    packages, waited = cache(tmp_path)
    server.answers = ["cut", "cut"]
    assert packages.fetch(replace(package, url=server.url)).read_bytes() == server.data
    assert waited == [1.0, 2.0]


def test_a_channel_that_keeps_failing_is_an_error_with_a_hint_and_leaves_nothing(
    tmp_path: Path, package: LockedPackage, server: Server
) -> None:
    packages, _ = cache(tmp_path)
    server.answers = ["cut"] * 3
    with pytest.raises(PackageError, match="could not be fetched") as failed:
        packages.fetch(replace(package, url=server.url))
    assert server.url in failed.value.message
    assert "dockerflow doctor" in str(failed.value.hint)
    assert files(tmp_path) == []


def test_a_package_that_is_gone_is_not_asked_for_again(tmp_path: Path, package: LockedPackage, server: Server) -> None:
    packages, waited = cache(tmp_path)
    server.answers = ["missing"]
    with pytest.raises(PackageError, match="404"):
        packages.fetch(replace(package, url=server.url))
    assert waited == []


@pytest.mark.parametrize("where", ["file", "server"])
def test_another_archive_than_the_locked_one_is_refused_and_not_kept(
    tmp_path: Path, package: LockedPackage, server: Server, where: str
) -> None:
    packages, _ = cache(tmp_path)
    wrong = replace(package, sha256="0" * 64, url=server.url if where == "server" else package.url)
    with pytest.raises(PackageError) as refused:
        packages.fetch(wrong)
    for part in (MADE.file_name, "0" * 64, package.sha256):
        assert part in refused.value.message
    assert files(tmp_path) == []


def test_an_archive_damaged_in_the_cache_is_fetched_anew(
    tmp_path: Path, package: LockedPackage, server: Server
) -> None:
    packages, _ = cache(tmp_path)
    remote = replace(package, url=server.url)
    packages.fetch(remote).write_bytes(b"damaged")
    assert packages.fetch(remote).read_bytes() == server.data
    assert server.asked == 2


def test_a_damaged_archive_is_replaced_and_not_removed_first(
    tmp_path: Path, package: LockedPackage, server: Server
) -> None:
    """Another process may have fetched it anew and be reading it."""
    packages, _ = cache(tmp_path)
    remote = replace(package, url=server.url)
    path = packages.fetch(remote)
    path.write_bytes(b"damaged")
    there: list[bool] = []
    packages.fetch(remote, lambda event: there.append(path.exists()))
    assert there
    assert all(there)


def test_what_is_secret_in_a_url_is_not_shown(tmp_path: Path, package: LockedPackage, server: Server) -> None:
    packages, _ = cache(tmp_path)
    server.answers = ["missing"]
    url = server.url.replace("http://", "http://name:password@").replace("/linux-64", "/t/secret-token/linux-64")
    with pytest.raises(PackageError, match="could not be fetched") as failed:
        packages.fetch(replace(package, url=url))
    for secret in ("password", "secret-token"):
        assert secret not in str(failed.value)


def test_a_download_ends_when_nobody_wants_it_any_more(tmp_path: Path, package: LockedPackage, server: Server) -> None:
    packages, _ = cache(tmp_path)

    def stop(event: Event) -> None:
        raise InterruptedError("stopped")

    with pytest.raises(Exception, match="stopped"):
        packages.fetch(replace(package, url=server.url), stop)
    assert files(tmp_path) == []


def test_a_channel_folder_that_is_gone_is_an_error_that_names_the_file(tmp_path: Path, package: LockedPackage) -> None:
    packages, _ = cache(tmp_path)
    with pytest.raises(PackageError, match="No such file"):
        packages.fetch(replace(package, url=(tmp_path / "none" / "x.conda").as_uri()))


@pytest.mark.parametrize("how", ["written into", "replaced", "removed"])
def test_an_archive_that_changes_after_it_was_verified_is_noticed(
    tmp_path: Path, package: LockedPackage, how: str
) -> None:
    packages, _ = cache(tmp_path)
    verified = stamp(package)
    path = packages.fetch(package)
    check_unchanged(package, verified)
    if how == "written into":
        path.write_bytes(b"other")
    elif how == "replaced":
        (tmp_path / "new").write_bytes(path.read_bytes())
        (tmp_path / "new").replace(path)
    else:
        path.unlink()
    with pytest.raises(PackageError, match="was changed while it was read"):
        check_unchanged(package, verified)


def mirrored(folder: Path, data: bytes) -> tuple[PackageCache, DirectoryStore]:
    store = DirectoryStore(folder / "store")
    store.blobs.put([data])
    return PackageCache(folder / "cache", pauses=(), mirror=store.blobs), store


def test_an_archive_in_the_stores_mirror_is_taken_before_the_channel_is_asked(
    tmp_path: Path, package: LockedPackage, server: Server
) -> None:
    packages, _ = mirrored(tmp_path, server.data)
    events: list[Event] = []
    path = packages.fetch(replace(package, url=server.url), events.append)
    assert path.read_bytes() == server.data
    assert server.asked == 0
    assert events[-1] == PackageFetching(MADE.file_name, len(server.data), package.size)


def test_an_archive_in_the_mirror_stands_in_for_a_file_that_is_gone_or_another(
    tmp_path: Path, package: LockedPackage
) -> None:
    there = Path(package.url.removeprefix("file://"))
    data = there.read_bytes()
    packages, _ = mirrored(tmp_path, data)
    there.write_bytes(b"another")
    assert packages.fetch(package).read_bytes() == data
    there.unlink()
    assert packages.fetch(package).read_bytes() == data


def test_a_damaged_archive_in_the_mirror_is_fetched_from_the_channel(
    tmp_path: Path, package: LockedPackage, server: Server
) -> None:
    packages, store = mirrored(tmp_path, server.data)
    blob = store.blobs.path(package.sha256)
    blob.chmod(0o644)
    blob.write_bytes(b"x" * len(server.data))
    assert packages.fetch(replace(package, url=server.url)).read_bytes() == server.data
    assert server.asked == 1
    assert not list((tmp_path / "cache").rglob(".tmp-*"))
