"""The host's client before a real MinIO whose connections break: what can be had is had, and had right."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dockerflow.buckets import reading
from dockerflow.buckets.credentials import Identity
from dockerflow.buckets.sdk import SdkObjects
from dockerflow.store.errors import StoreError, Unreachable
from dockerflow.store.s3.place import Place
from dockerflow.store.s3.signing import Credentials
from tests.integration.s3.proxy import Plan, Proxy, proxy_of
from tests.object_servers import Bucket, ObjectServer, running

SMALL, LARGE = os.urandom(1000), os.urandom(3 * reading.RANGE + 5)


def client(place: Place, server: ObjectServer, patience: float = 20.0) -> SdkObjects:
    credentials = Credentials(server.access_key, server.secret_key)
    return SdkObjects(place, Identity("the tests", lambda: credentials), patience, one_piece=len(LARGE))


@pytest.fixture
def place(minio_bucket: Bucket) -> Place:
    return Place(minio_bucket.server.endpoint, minio_bucket.name, "a")


@pytest.fixture
def direct(place: Place, minio: ObjectServer) -> SdkObjects:
    return client(place, minio)


@pytest.fixture
def proxy(minio: ObjectServer) -> Iterator[Proxy]:
    with proxy_of(minio.port) as proxy:
        yield proxy


@pytest.fixture
def broken(place: Place, minio: ObjectServer, proxy: Proxy) -> SdkObjects:
    """Through the proxy."""
    return client(replace(place, endpoint=proxy.endpoint), minio)


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("answers", [1, 100, reading.RANGE // 2, 3 * reading.RANGE // 2])
def test_an_object_is_read_whole_however_often_an_answer_is_cut_off(
    answers: int, reset: bool, direct: SdkObjects, broken: SdkObjects, proxy: Proxy
) -> None:
    direct.put_large("x", [LARGE], len(LARGE), hashlib.sha256(LARGE).hexdigest())
    proxy.plans.extend([Plan(answers=answers, reset=reset)] * 3)
    found = broken.get_hashed("x")
    assert found is not None
    assert found.content == LARGE
    assert found.sha256 == hashlib.sha256(LARGE).hexdigest()
    proxy.cut()
    proxy.plans.extend([Plan(answers=answers, reset=reset)] * 3)
    assert b"".join(broken.stream("x") or ()) == LARGE


@pytest.mark.parametrize("plan", [Plan(requests=100), Plan(requests=1 << 20, reset=True), Plan(answers=1)])
def test_what_is_sent_is_sent_again_when_the_connection_breaks(
    plan: Plan, direct: SdkObjects, broken: SdkObjects, proxy: Proxy
) -> None:
    proxy.plans.extend([plan, plan])
    halves = (piece for piece in (LARGE[:7], LARGE[7:]))  # which can be gone through once
    broken.put_large("x", halves, len(LARGE), hashlib.sha256(LARGE).hexdigest())
    assert direct.get("x") == LARGE


def test_a_new_object_whose_answer_was_lost_is_ours_and_anothers_is_not(
    direct: SdkObjects, broken: SdkObjects, proxy: Proxy
) -> None:
    """The server had put it when the connection broke; trying again says that there is one."""
    proxy.plans.append(Plan(answers=1))
    assert broken.put("x", SMALL, new=True)
    assert direct.get("x") == SMALL
    proxy.cut()
    proxy.plans.append(Plan(answers=1))
    assert not broken.put("x", b"another", new=True)
    assert direct.get("x") == SMALL


@pytest.mark.parametrize("answers", range(50, 600, 19))
def test_headers_that_are_cut_off_are_not_taken_for_whole(
    answers: int, direct: SdkObjects, broken: SdkObjects, proxy: Proxy
) -> None:
    """The library below takes what came for all: a size would lose its last digits, an object its date."""
    direct.put("x", SMALL)
    there = direct.head("x")
    assert there is not None
    proxy.plans.append(Plan(answers=answers))
    found = broken.head("x")
    assert found is not None
    assert found[:3] == there[:3]  # that the hash is not known is no lie
    proxy.cut()
    proxy.plans.append(Plan(answers=answers))
    assert broken.get("x") == SMALL
    proxy.cut()
    proxy.plans.append(Plan(answers=answers))
    assert b"".join(broken.stream("x") or ()) == SMALL


def test_connections_that_died_in_the_meantime_do_not_matter(broken: SdkObjects, proxy: Proxy) -> None:
    for number in range(5):
        broken.put(f"x{number}", SMALL)
        proxy.cut()
    assert len(list(broken.every("x"))) == 5


def test_an_upload_in_parts_goes_on_when_connections_break(
    direct: SdkObjects, minio: ObjectServer, place: Place, proxy: Proxy
) -> None:
    large = client(replace(place, endpoint=proxy.endpoint), minio)
    large._one_piece = 1
    proxy.plans.extend([Plan(requests=1 << 20), Plan(requests=2 << 20, reset=True), Plan(answers=1)])
    large.put_large("x", [LARGE], len(LARGE), hashlib.sha256(LARGE).hexdigest())
    assert direct.get("x") == LARGE


def test_an_object_that_is_replaced_while_it_is_streamed_is_not_mixed(
    direct: SdkObjects, broken: SdkObjects, proxy: Proxy
) -> None:
    direct.put_large("x", [LARGE], len(LARGE), hashlib.sha256(LARGE).hexdigest())
    # No more than the client takes: a server that still sends lets nobody replace what it reads, for half a minute.
    proxy.plans.append(Plan(answers=reading.PIECE + 4096))
    pieces = broken.stream("x")
    assert pieces is not None
    next(pieces)
    direct.put("x", SMALL)
    with pytest.raises(StoreError, match="was replaced or deleted while it was read"):
        list(pieces)


def test_a_server_that_comes_back_is_waited_for_and_one_that_stays_away_is_named(tmp_path: Path) -> None:
    with running("minio", tmp_path / "data") as server:
        place = Place(server.endpoint, server.bucket())
        objects, impatient = client(place, server, 60.0), client(place, server, 0.2)
        told: list[str | None] = []

        def came_back(why: str | None) -> None:
            told.append(why)
            if why is not None:
                server.start()

        objects.when_waiting(came_back)
        objects.put("x", SMALL)
        server.kill()
        with pytest.raises(Unreachable, match=f"no answer from the S3 server `{server.endpoint}` in 0.2 s"):
            impatient.get("x")
        assert objects.get("x") == SMALL
        assert [bool(why) for why in told] == [True, False]
