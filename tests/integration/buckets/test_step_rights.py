"""What a step can do with all that it is given, on real servers: read blobs and runs, leave bytes under their own hash.

The requests here are a step's that wants more: with the credentials that it was lent, and with what was signed for it.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from dockerflow.buckets.grants import Grants, Ours
from dockerflow.buckets.leases import Bank
from dockerflow.buckets.step_rights import CHECKSUM, refusal
from dockerflow.store.runs import outbox_key
from dockerflow.store.s3.access import Access, Answer, Question, ToSign
from dockerflow.store.s3.place import Place
from dockerflow.store.s3.signing import Credentials, Request, Signed, sign
from tests.object_servers import Bucket

DATA = b"what a step computed" * 100
HASH = hashlib.sha256(DATA)
KEY = f"blobs/{HASH.hexdigest()[:2]}/{HASH.hexdigest()}"
SUM = base64.b64encode(HASH.digest()).decode()
SECRET = b"of another user"
DENIED = (400, 403)


def sent(signed: Signed, method: str, body: bytes = b"", more: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    url = urlsplit(signed.url)
    connection = http.client.HTTPConnection(url.netloc)
    connection.request(method, f"{url.path}?{url.query}", body, {**signed.headers, **(more or {})})
    answer = connection.getresponse()
    try:
        return answer.status, answer.read()
    finally:
        connection.close()


class Scene:
    """A bucket with a store below a prefix and something beside it, and what a run's steps are granted there."""

    def __init__(self, bucket: Bucket) -> None:
        server = bucket.server
        self.bucket = bucket.name
        self.client = server.client()
        self.place = Place(server.endpoint, bucket.name, "a/store", server.region)
        for name in ("a/store/runs/F/1/claim", "a/store/locks/abc.yml", "a/other", "a/store2/runs/x", "secret"):
            self.client.put_object(self.bucket, name, io.BytesIO(SECRET), len(SECRET))
        self.own = Credentials(server.access_key, server.secret_key)
        self.grants = Grants(Ours(self.place, lambda: self.own, self.place), "F", "1")

    @property
    def access(self) -> Access:
        access = self.grants.answer(Question()).access
        assert access is not None
        return access

    def read(
        self, method: str, key: str | None, query: Mapping[str, str] | None = None, place: Place | None = None
    ) -> int:
        """As a step would: with what it was lent, else with what is signed for it; 0 for what is not signed."""
        lease = self.access.lease
        if lease is None:
            answer = self.ask(method, key, query)
            return 0 if answer.signed is None else sent(as_signed(answer), method)[0]
        credentials = Credentials(lease.access_key, lease.secret_key, lease.session_token)
        request = Request(method, key, query or {})
        return sent(sign(place or self.place, credentials, request, time.time()), method)[0]

    def ask(
        self,
        method: str,
        key: str | None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        pairs = (tuple((query or {}).items()), tuple((headers or {}).items()))
        return self.grants.answer(Question(ToSign(method, key, *pairs)))

    def put(self) -> Signed:
        return as_signed(self.ask("PUT", KEY, headers={CHECKSUM: SUM}))

    def content(self, name: str) -> bytes | None:
        names = [each.object_name for each in self.client.list_objects(self.bucket, recursive=True)]
        return self.client.get_object(self.bucket, name).read() if name in names else None


def as_signed(answer: Answer) -> Signed:
    assert answer.signed is not None, answer.refused
    return Signed(answer.signed.url, dict(answer.signed.headers))


@pytest.fixture
def scene(object_bucket: Bucket) -> Scene:
    return Scene(object_bucket)


def test_a_step_reads_blobs_and_runs_and_nothing_else(scene: Scene) -> None:
    assert sent(scene.put(), "PUT", DATA)[0] == 200
    assert scene.read("GET", KEY) == scene.read("HEAD", KEY) == 200
    assert scene.read("GET", "runs/F/1/claim") == 200
    assert scene.read("GET", "runs/F/1/none") in (404, 403)
    for key in ("locks/abc.yml", "locks/none"):
        assert scene.read("GET", key) in (0, 403)
    for key in ("../other", "../store2/runs/x", "/secret"):
        assert scene.read("GET", key) in (0, 400, 403, 404)


def test_what_a_step_was_lent_shows_nothing_beside_the_store(minio_bucket: Bucket) -> None:
    scene = Scene(minio_bucket)
    for prefix in ("", "a", "a/store2"):
        place = replace(scene.place, prefix=prefix)
        for key in ("secret", "other", "runs/x"):
            assert scene.read("GET", key, place=place) == 403


def test_a_step_lists_runs_and_nothing_else(scene: Scene) -> None:
    listing = {"list-type": "2", "delimiter": "/"}
    assert scene.read("GET", None, {**listing, "prefix": "a/store/runs/"}) == 200
    assert scene.read("GET", None, {**listing, "prefix": "a/store/runs/F/"}) == 200
    for prefix in ("", "a/", "a/store", "a/store/", "a/store/locks/", "a/store2/"):
        assert scene.read("GET", None, {**listing, "prefix": prefix}) in (0, 403)
    assert scene.read("GET", None, listing) in (0, 403)
    for query in ("policy", "acl", "uploads", "versions", "location"):
        assert scene.read("GET", None, {query: ""}) in (0, 403)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_what_a_step_was_lent_changes_nothing(scene: Scene, method: str) -> None:
    lease = scene.access.lease
    for key in (KEY, "runs/F/1/claim", "locks/abc.yml"):
        if lease is None:
            assert scene.ask(method, key).signed is None
        else:
            credentials = Credentials(lease.access_key, lease.secret_key, lease.session_token)
            request = Request(method, key, sha256=HASH.hexdigest())
            assert sent(sign(scene.place, credentials, request, time.time()), method, DATA)[0] in (400, 403, 405)
    assert scene.content(f"a/store/{KEY}") is None
    assert scene.content("a/store/runs/F/1/claim") == SECRET


def test_what_is_signed_to_be_written_takes_these_bytes_alone(scene: Scene) -> None:
    assert sent(scene.put(), "PUT", DATA + b"!")[0] == 400
    assert sent(Signed(scene.put().url, {}), "PUT", b"!")[0] in DENIED
    assert (
        sent(scene.put(), "PUT", b"!", {CHECKSUM: base64.b64encode(hashlib.sha256(b"!").digest()).decode()})[0]
        in DENIED
    )
    assert sent(scene.put(), "DELETE")[0] in DENIED
    assert sent(scene.put(), "GET")[0] in DENIED
    assert scene.content(f"a/store/{KEY}") is None
    assert sent(scene.put(), "PUT", DATA)[0] == 200
    assert scene.content(f"a/store/{KEY}") == DATA


@pytest.mark.parametrize("source", ["secret", "a/store/locks/abc.yml", "a/store/runs/F/1/claim"])
def test_what_is_signed_to_be_written_is_no_copy(scene: Scene, source: str) -> None:
    """MinIO takes the header of a copy that nobody has signed: what signs may not read, then."""
    status, _ = sent(scene.put(), "PUT", b"", {"x-amz-copy-source": f"/{scene.bucket}/{source}"})
    assert status in DENIED
    assert scene.content(f"a/store/{KEY}") is None


@pytest.mark.parametrize("source", ["secret", "a/store/locks/abc.yml", "a/store/runs/F/1/claim"])
def test_what_is_signed_to_be_a_part_is_no_copy(scene: Scene, source: str) -> None:
    name = f"a/store/{OUTBOX}"
    upload = scene.client._create_multipart_upload(scene.bucket, name, {})
    part = as_signed(scene.ask("PUT", OUTBOX, {"partNumber": "1", "uploadId": upload}))
    status, _ = sent(part, "PUT", b"", {"x-amz-copy-source": f"/{scene.bucket}/{source}"})
    assert status in DENIED
    assert scene.client._list_parts(scene.bucket, name, upload).parts == []
    scene.client._abort_multipart_upload(scene.bucket, name, upload)


def test_a_step_reads_its_own_runs_outbox_and_no_other(scene: Scene) -> None:
    for run_id in ("1", "2"):
        name = f"a/store/{outbox_key('F', run_id)}/{'a' * 64}"
        scene.client.put_object(scene.bucket, name, io.BytesIO(SECRET), len(SECRET))
    assert scene.read("GET", OUTBOX) == 200
    assert scene.read("GET", OUTBOX.replace("/1/", "/2/")) in (0, 403)


def test_credentials_that_are_lent_themselves_sign_nothing_that_could_be_more(minio_bucket: Bucket) -> None:
    """Nothing can be lent on. Where the server would take a copy for a PUT, a step writes nothing by itself."""
    scene, everything = Scene(minio_bucket), {"Effect": "Allow", "Action": ["s3:*"], "Resource": ["arn:aws:s3:::*"]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    lease = Bank(scene.place, lambda: scene.own).lend(policy)
    assert lease is not None
    lent = Credentials(lease.access_key, lease.secret_key, lease.session_token)
    grants = Grants(Ours(scene.place, lambda: lent, scene.place), "F", "1")
    access = grants.answer(Question()).access
    assert access is not None
    assert access.lease is None
    assert grants.answer(Question(ToSign("PUT", KEY, headers=((CHECKSUM, SUM),)))).signed is None
    assert grants.answer(Question(ToSign("GET", "runs/F/1/claim"))).signed is not None


def test_a_renewed_lease_is_another_before_the_first_runs_out(minio_bucket: Bucket) -> None:
    server, now = minio_bucket.server, [time.time()]
    own = Credentials(server.access_key, server.secret_key)
    place = Place(server.endpoint, minio_bucket.name, "p", server.region)
    grants = Grants(Ours(place, lambda: own, place), "F", "1", clock=lambda: now[0])

    def lease() -> str:
        access = grants.answer(Question()).access
        assert access is not None
        assert access.lease is not None
        return access.lease.access_key

    first = lease()
    assert lease() == first
    now[0] += 1000
    assert lease() == first
    now[0] += 1000
    assert lease() != first


def test_what_runs_out_while_the_server_is_away_may_be_asked_for_again(minio_bucket: Bucket) -> None:
    """The answer says so: a step that waits gets it when the server is back."""
    scene, now = Scene(minio_bucket), [time.time()]
    ours = Ours(scene.place, lambda: scene.own, scene.place)
    grants = Grants(ours, "F", "1", clock=lambda: now[0])
    grants._reading._bank = replace(grants._reading._bank, place=replace(scene.place, endpoint="http://127.0.0.1:9"))
    now[0] += 3000
    assert grants.answer(Question()).access is not None, "the lease is old and still good"
    now[0] += 1000
    refused = grants.answer(Question()).refused
    assert refused is not None
    assert refused.again


PLACE = Place("http://host:1", "bucket", "p")
OUTBOX = f"{outbox_key('F', '1')}/{'a' * 64}"


@pytest.mark.parametrize(
    "request_",
    [
        ToSign("GET", KEY),
        ToSign("HEAD", KEY, headers=(("x-amz-checksum-mode", "ENABLED"),)),
        ToSign("GET", "runs/F/2/journal/1"),
        ToSign("GET", None, (("list-type", "2"), ("prefix", "p/runs/"))),
        ToSign("PUT", KEY, headers=((CHECKSUM, SUM), ("if-none-match", "*"))),
        ToSign("GET", OUTBOX),
        ToSign("POST", OUTBOX, (("uploads", ""),)),
        ToSign("PUT", OUTBOX, (("partNumber", "1"), ("uploadId", "x"))),
        ToSign("POST", OUTBOX, (("uploadId", "x"),)),
        ToSign("DELETE", OUTBOX, (("uploadId", "x"),)),
    ],
)
def test_what_a_step_does_is_signed(request_: ToSign) -> None:
    assert refusal(PLACE, "F", "1", request_) is None


@pytest.mark.parametrize(
    "request_",
    [
        ToSign("GET", "locks/x"),
        ToSign("GET", "blobsandmore"),
        ToSign("GET", "blobs/../locks/x"),
        ToSign("HEAD", "runs/F/../../../other/blobs/x"),
        ToSign("GET", "runs/./x"),
        ToSign("GET", None, (("list-type", "2"), ("prefix", "p/runs/../"))),
        ToSign("GET", OUTBOX.replace("/1/", "/2/")),
        ToSign("GET", KEY, (("acl", ""),)),
        ToSign("GET", KEY, headers=(("x-amz-server-side-encryption-customer-key", "k"),)),
        ToSign("GET", None, (("list-type", "2"), ("prefix", "runs/"))),
        ToSign("GET", None, (("list-type", "2"), ("prefix", "p/runs/"), ("prefix", ""))),
        ToSign("GET", None, (("list-type", "2"), ("prefix", "p/runs/"), ("policy", ""))),
        ToSign("GET", None, (("prefix", "p/runs/"),)),
        ToSign("PUT", KEY),
        ToSign("PUT", KEY, headers=((CHECKSUM, base64.b64encode(bytes(32)).decode()),)),
        ToSign("PUT", KEY, headers=((CHECKSUM, SUM), ("x-amz-copy-source", "/b/k"))),
        ToSign("PUT", KEY, (("tagging", ""),), ((CHECKSUM, SUM),)),
        ToSign("PUT", f"blobs/00/{HASH.hexdigest()}", headers=((CHECKSUM, SUM),)),
        ToSign("PUT", "runs/F/1/tags/1.json", headers=((CHECKSUM, SUM),)),
        ToSign("PUT", None, headers=((CHECKSUM, SUM),)),
        ToSign("PUT", OUTBOX),
        ToSign("DELETE", KEY),
        ToSign("DELETE", OUTBOX),
        ToSign("POST", KEY, (("uploads", ""),)),
        ToSign("POST", None, (("delete", ""),)),
        ToSign("POST", OUTBOX.replace("/1/", "/2/"), (("uploads", ""),)),
        ToSign("POST", OUTBOX[:-1], (("uploads", ""),)),
        ToSign("POST", f"{OUTBOX}/../x", (("uploads", ""),)),
        ToSign("PUT", OUTBOX, (("partNumber", "1"), ("uploadId", "x")), (("x-amz-copy-source", "/b/k"),)),
        ToSign("PATCH", KEY),
    ],
)
def test_what_a_step_has_no_business_with_is_not_signed(request_: ToSign) -> None:
    assert refusal(PLACE, "F", "1", request_) is not None
