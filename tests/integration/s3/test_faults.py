"""What breaks between the small client and a real server, and comes back."""

from __future__ import annotations

import hashlib
import os
import random
import threading
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dockerflow.store.errors import AccessDenied, StoreError, Unreachable
from dockerflow.store.s3.client import SmallObjects
from dockerflow.store.s3.reading import RANGE
from dockerflow.store.s3.signing import Credentials, Request, Signed, WithCredentials, sign
from tests.integration.s3.clients import ONE_PIECE, PART, Scene
from tests.integration.s3.proxy import Plan, Proxy, proxy_of
from tests.object_servers import Bucket, ObjectServer, running

CONTENT = random.Random(6).randbytes(2 * RANGE + 1000)
HASH = hashlib.sha256(CONTENT).hexdigest()
MIB = 1 << 20


@pytest.fixture
def scene(minio_bucket: Bucket) -> Scene:
    return Scene(minio_bucket)


@pytest.fixture
def proxy(scene: Scene) -> Iterator[Proxy]:
    with proxy_of(scene.bucket.server.port) as found:
        yield found


def through(proxy: Proxy, scene: Scene, patience: float = 20.0, single: int = ONE_PIECE) -> SmallObjects:
    place = replace(scene.place, endpoint=proxy.endpoint)
    return SmallObjects(place, WithCredentials(place, lambda: scene.credentials), patience, single, PART)


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("bytes_until", [1, 300, 5 * MIB])
def test_reading_goes_on_where_an_answer_was_cut_off(proxy: Proxy, scene: Scene, bytes_until: int, reset: bool) -> None:
    scene.small().put_large("k", [CONTENT], len(CONTENT), HASH)
    proxy.plans.extend([Plan(answers=bytes_until, reset=reset)] * 3)
    assert through(proxy, scene).get("k") == CONTENT
    proxy.plans.extend([Plan(answers=bytes_until, reset=reset)] * 2)
    pieces = through(proxy, scene).stream("k")
    assert pieces is not None
    assert b"".join(pieces) == CONTENT
    assert not proxy.plans


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("bytes_until", [1, 300, 3 * MIB])
@pytest.mark.parametrize("single", [ONE_PIECE, len(CONTENT)])
def test_what_is_sent_is_sent_again_when_the_connection_breaks(
    proxy: Proxy, scene: Scene, bytes_until: int, reset: bool, single: int
) -> None:
    proxy.plans.extend([Plan(requests=bytes_until, reset=reset)] * 3)
    through(proxy, scene, single=single).put_large("k", [CONTENT], len(CONTENT), HASH)
    assert not proxy.plans
    assert scene.sdk().get("k") == CONTENT


def test_what_can_be_gone_through_once_is_sent_again_too(proxy: Proxy, scene: Scene) -> None:
    proxy.plans.extend([Plan(requests=3 * MIB)] * 2)
    pieces = (CONTENT[start : start + MIB] for start in range(0, len(CONTENT), MIB))
    through(proxy, scene, single=len(CONTENT)).put_large("k", pieces, len(CONTENT), HASH)
    assert scene.sdk().get("k") == CONTENT


def test_a_new_object_whose_answer_was_lost_is_ours(proxy: Proxy, scene: Scene) -> None:
    client = through(proxy, scene)
    proxy.plans.append(Plan(answers=1))
    assert client.put("k", b"of mine", new=True)
    assert not client.put("k", b"of mine", new=True)
    proxy.plans.append(Plan(answers=1))
    proxy.cut()
    assert not client.put("k", b"of another", new=True)


def test_connections_that_have_died_in_the_meantime_cost_no_patience(proxy: Proxy, scene: Scene) -> None:
    client = through(proxy, scene, patience=0.0)
    client.put("k", b"text")
    proxy.cut()
    assert client.get("k") == b"text"
    assert proxy.taken == 2


def test_a_server_that_falls_silent_is_given_up_and_named(proxy: Proxy, scene: Scene) -> None:
    proxy.plans.extend([Plan(answers=1, mute=True)] * 20)
    client = through(proxy, scene, patience=1.0)
    with pytest.raises(Unreachable, match=f"no answer from the S3 server `{proxy.endpoint}` in 1 s: reading took too"):
        client.get("k")


def test_an_upload_that_cannot_be_ended_is_given_up(proxy: Proxy, scene: Scene) -> None:
    client = through(proxy, scene)

    def broken() -> Iterator[bytes]:
        yield CONTENT[: 3 * PART]
        raise RuntimeError("the disk is gone")

    with pytest.raises(RuntimeError, match="the disk is gone"):
        client.put_large("k", broken(), len(CONTENT), HASH)
    assert client.get("k") is None
    listed = scene.bucket.server.client()._list_multipart_uploads(scene.bucket.name, prefix=scene.prefix)
    assert listed.uploads == []


def test_parts_that_are_not_of_the_size_announced_are_no_object(scene: Scene) -> None:
    with pytest.raises(ValueError, match="was announced with"):
        scene.small().put_large("k", [CONTENT], len(CONTENT) + 1, HASH)
    assert scene.small().get("k") is None


def test_an_object_that_is_replaced_while_it_is_read_is_one_of_the_two(proxy: Proxy, scene: Scene) -> None:
    """Ranges of two versions are never put together."""
    other = bytes(reversed(CONTENT))
    scene.small().put_large("k", [CONTENT], len(CONTENT), HASH)
    over = threading.Event()

    def replace_it() -> None:
        mine = scene.small()
        for turn in range(1_000):
            mine.put("k", (other, CONTENT)[turn % 2])
            if over.is_set():
                return

    writer = threading.Thread(target=replace_it)
    writer.start()
    try:
        found = [scene.small().get("k") for _ in range(8)]
    finally:
        over.set()
        writer.join()
    assert {bytes(each or b"") for each in found} <= {CONTENT, other}


def test_a_stream_of_an_object_that_was_replaced_says_so(proxy: Proxy, scene: Scene) -> None:
    scene.small().put_large("k", [CONTENT], len(CONTENT), HASH)
    proxy.plans.append(Plan(answers=5 * MIB))
    pieces = through(proxy, scene).stream("k")
    assert pieces is not None
    next(pieces)
    scene.small().put("k", b"another")
    with pytest.raises(StoreError, match="was replaced while it was read"):
        list(pieces)


def test_a_fork_uses_no_connection_of_its_parent(scene: Scene) -> None:
    client = scene.small()
    client.put("parent", b"parent")
    client.put("child", b"child")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of threads: the server's is one
        child = os.fork()
    if not child:
        code = 1
        try:
            code = 0 if all(client.get("child") == b"child" for _ in range(50)) else 1
        finally:
            os._exit(code)  # it must not return into the tests
    assert all(client.get("parent") == b"parent" for _ in range(50))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_credentials_are_asked_for_every_time_and_renewed_ones_are_tried(scene: Scene) -> None:
    """As when temporary ones run out while a task computes."""
    asked: list[Credentials] = []
    outdated = Credentials(scene.credentials.access_key, scene.credentials.secret_key, "not a token")

    def credentials() -> Credentials:
        asked.append(scene.credentials if asked else outdated)
        return asked[-1]

    client = SmallObjects(scene.place, WithCredentials(scene.place, credentials))
    assert client.put("k", b"text")
    assert asked == [outdated, scene.credentials]


def test_credentials_that_stay_outdated_are_refused(scene: Scene) -> None:
    outdated = Credentials(scene.credentials.access_key, scene.credentials.secret_key, "not a token")
    client = SmallObjects(scene.place, WithCredentials(scene.place, lambda: outdated))
    with pytest.raises(AccessDenied, match="refuses PUT of `k`"):
        client.put("k", b"text")


@pytest.mark.parametrize("wrong", [Credentials("nobody", "knows"), Credentials("tests-of-dockerflow", "another")])
def test_wrong_credentials_are_refused_without_naming_the_secret(scene: Scene, wrong: Credentials) -> None:
    client = SmallObjects(scene.place, WithCredentials(scene.place, lambda: wrong))
    for call in (lambda: client.get("k"), lambda: client.head("k"), lambda: client.put("k", b"")):
        with pytest.raises(AccessDenied) as refused:
            call()
        assert wrong.secret_key not in str(refused.value)


def test_a_clock_that_is_wrong_is_said_to_be(scene: Scene) -> None:
    def late(request: Request) -> Signed:
        return sign(scene.place, scene.credentials, request, 1_600_000_000)

    with pytest.raises(AccessDenied, match="this machine's clock differs too much") as refused:
        SmallObjects(scene.place, late).get("k")
    assert "set both clocks" in str(refused.value)


def test_a_bucket_that_is_not_there_is_named(scene: Scene) -> None:
    place = replace(scene.place, bucket="no-such-bucket")
    client = SmallObjects(place, WithCredentials(place, lambda: scene.credentials))
    with pytest.raises(StoreError, match="there is no bucket `no-such-bucket`"):
        client.get("k")


def test_a_server_that_is_killed_and_comes_back_is_waited_for(tmp_path: Path) -> None:
    with running("minio", tmp_path / "data") as server:
        client = Scene(Bucket(server, server.bucket())).small(60.0)
        client.put("k", CONTENT[:ONE_PIECE])
        server.kill()
        started = threading.Thread(target=server.start)
        started.start()
        try:
            assert client.get("k") == CONTENT[:ONE_PIECE]
            assert client.put("l", b"text", new=True)
        finally:
            started.join()


def test_a_server_that_stays_away_is_named(tmp_path: Path) -> None:
    server: ObjectServer
    with running("minio", tmp_path / "data") as server:
        client = Scene(Bucket(server, server.bucket())).small(0.5)
        server.kill()
        with pytest.raises(Unreachable, match=f"`{server.endpoint}` in 0.5 s: connecting to .*: Connection refused"):
            client.put("k", b"text")
