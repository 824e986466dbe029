"""A client without credentials, whose requests somebody else signs one by one: what a step does that has none."""

from __future__ import annotations

import base64
import hashlib
import time

import pytest

from dockerflow.store.errors import AccessDenied, StoreError
from dockerflow.store.s3.client import SmallObjects
from dockerflow.store.s3.reading import RANGE
from dockerflow.store.s3.signing import Request, Signed, WithCredentials, presign
from tests.integration.s3.clients import ONE_PIECE, PART, Scene

CONTENT = bytes(range(256)) * ((RANGE + 256) // 256)
HASH = hashlib.sha256(CONTENT)


class Clerk:
    """Presigns what it is asked, and remembers it."""

    def __init__(self, scene: Scene) -> None:
        self.signer = WithCredentials(scene.place, lambda: scene.credentials)
        self.asked: list[Request] = []

    def __call__(self, request: Request) -> Signed:
        self.asked.append(request)
        return self.signer.presign(request, 60)


@pytest.fixture
def clerk(scene: Scene) -> Clerk:
    return Clerk(scene)


@pytest.fixture
def client(scene: Scene, clerk: Clerk) -> SmallObjects:
    return SmallObjects(scene.place, clerk, 20.0, ONE_PIECE, PART)


def test_objects_are_put_got_and_listed_by_presigned_requests(client: SmallObjects) -> None:
    assert client.put("a/é + %", b"text")
    assert client.get("a/é + %") == b"text"
    assert client.get_range("a/é + %", 1, 2) == b"ex"
    info = client.head("a/é + %")
    assert info is not None
    assert info.sha256 == hashlib.sha256(b"text").hexdigest()
    assert client.get("nothing") is None
    assert [found.key for found in client.every("a/")] == ["a/é + %"]
    assert client.children("") == ["a"]
    client.delete(["a/é + %"])
    assert client.get("a/é + %") is None


def test_a_large_object_is_put_in_one_piece_and_in_parts(scene: Scene, clerk: Clerk) -> None:
    for single in (ONE_PIECE, len(CONTENT)):
        client = SmallObjects(scene.place, clerk, 20.0, single, PART)
        client.put_large("k", [CONTENT], len(CONTENT), HASH.hexdigest())
        assert client.get("k") == CONTENT


def test_a_request_to_put_is_good_for_the_bytes_of_its_hash_alone(scene: Scene, clerk: Clerk) -> None:
    checksum = base64.b64encode(HASH.digest()).decode()
    signed = clerk.signer.presign(Request("PUT", "k", {}, {"x-amz-checksum-sha256": checksum}), 60)
    cheat = SmallObjects(scene.place, lambda request: signed)
    for content in (b"something else", CONTENT[:-1] + b"!"):
        with pytest.raises(StoreError):
            cheat.put("k", content)
    assert scene.small().get("k") is None
    cheat.put_large("k", [CONTENT], len(CONTENT), HASH.hexdigest())
    assert scene.small().get("k") == CONTENT


def test_a_request_to_put_something_new_replaces_nothing(scene: Scene, clerk: Clerk, client: SmallObjects) -> None:
    signed = clerk.signer.presign(Request("PUT", "k", {}, {"if-none-match": "*"}), 60)
    scene.small().put("k", b"there")
    cheat = SmallObjects(scene.place, lambda request: signed)
    assert not cheat.put("k", b"cheat", new=True)
    without = SmallObjects(scene.place, lambda request: Signed(signed.url, {}))
    with pytest.raises(AccessDenied):
        without.put("k", b"cheat")
    assert scene.small().get("k") == b"there"


def test_ranges_of_an_object_need_no_signature_of_their_own(clerk: Clerk, client: SmallObjects) -> None:
    client.put_large("k", [CONTENT], len(CONTENT), HASH.hexdigest())
    clerk.asked.clear()
    client.get("k")
    assert set(map(repr, clerk.asked)) == {repr(Request("GET", "k"))}


def test_a_url_that_is_too_old_is_asked_for_anew_once(scene: Scene, clerk: Clerk) -> None:
    scene.small().put("k", b"text")
    request = Request("GET", "k")
    old = presign(scene.place, scene.credentials, request, 60, time.time() - 600)
    urls = [old, clerk(request)]
    assert SmallObjects(scene.place, lambda request: urls.pop(0)).get("k") == b"text"
    with pytest.raises(AccessDenied):
        SmallObjects(scene.place, lambda request: old).get("k")
