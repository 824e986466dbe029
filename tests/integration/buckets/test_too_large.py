"""What is too large for one request: a step leaves it in its run's outbox in the bucket, and the scheduler takes it.

On both servers, as a step does it: with what the scheduler signs for it. Parts are of the least size that servers take.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from minio.commonconfig import ComposeSource

from dockerflow.buckets import copying
from dockerflow.buckets.credentials import Identity
from dockerflow.buckets.grants import Grants, Ours
from dockerflow.buckets.sdk import SdkObjects
from dockerflow.runtime import task_blobs
from dockerflow.runtime.task_blobs import TaskBlobs
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import AccessDenied, DamagedBlob, MissingBlob
from dockerflow.store.runs import outbox_key
from dockerflow.store.s3.access import Question, ToSign
from dockerflow.store.s3.aside import Aside
from dockerflow.store.s3.client import SmallObjects
from dockerflow.store.s3.place import Place
from dockerflow.store.s3.signing import Credentials, Request, Signed, WithCredentials
from dockerflow.store.s3_blobs import S3Blobs
from dockerflow.store.s3_store import S3Store
from tests.integration.s3.clients import ONE_PIECE, PART
from tests.object_servers import Bucket, running
from tests.unit.cli.commands import dockerflow

VALUE = b"".join(number.to_bytes(4, "big") for number in range(3_000_000))  # 12 MB: three parts
NAME = hashlib.sha256(VALUE).hexdigest()
OUTBOX = outbox_key("F", "1")


class Scene:
    """A store in a bucket, and what one run's steps are granted there."""

    def __init__(self, bucket: Bucket, scratch: Path, one_piece: int = ONE_PIECE) -> None:
        server = bucket.server
        self.place = Place(server.endpoint, bucket.name, "a/store", server.region)
        own = Credentials(server.access_key, server.secret_key)
        self.objects = SdkObjects(self.place, Identity("the tests", lambda: own), 20.0, one_piece)
        self.store = S3Store(self.objects, scratch)
        self.grants = Grants(Ours(self.place, lambda: own, self.place), "F", "1")

    def sign(self, request: Request) -> Signed:
        """As a step has a request signed: reading with what it was lent, where it was."""
        lease = self.grants.answer(Question()).access.lease  # type: ignore[union-attr]
        if lease is not None and request.method in ("GET", "HEAD"):
            lent = Credentials(lease.access_key, lease.secret_key, lease.session_token)
            return WithCredentials(self.place, lambda: lent)(request)
        wanted = ToSign(request.method, request.key, tuple(request.query.items()), tuple(request.headers.items()))
        answer = self.grants.answer(Question(wanted))
        if answer.signed is None:
            raise AccessDenied(str(answer.refused))
        return Signed(answer.signed.url, dict(answer.signed.headers))

    def aside(self, sign: Callable[[Request], Signed] | None = None, patience: float = 20.0) -> Aside:
        def client(single: int) -> SmallObjects:
            return SmallObjects(self.place, sign or self.sign, patience, single, PART)

        return Aside(client(0), OUTBOX, S3Blobs(client(ONE_PIECE)))

    def sent(self, value: bytes, name: str) -> None:
        """As by a step that says what it likes."""
        SmallObjects(self.place, self.sign, 20.0, 0, PART).put_large(f"{OUTBOX}/{name}", [value], len(value), name)

    def etag(self, key: str) -> str:
        return str(self.objects.link.client.stat_object(self.place.bucket, self.objects.link.name(key)).etag)


@pytest.fixture
def scene(object_bucket: Bucket, tmp_path: Path) -> Scene:
    return Scene(object_bucket, tmp_path / "scratch")


@pytest.mark.parametrize("one_piece", [ONE_PIECE, 4 << 30])
def test_what_came_in_parts_becomes_a_blob(object_bucket: Bucket, tmp_path: Path, one_piece: int) -> None:
    """Copied by the server in several pieces, and in one."""
    scene = Scene(object_bucket, tmp_path, one_piece)
    aside, blobs = scene.aside(), scene.store.blobs
    assert aside.put([VALUE[:7], VALUE[7:]]) == NAME
    assert aside.sent == [NAME]
    assert not blobs.has(NAME)
    blobs.take_over(OUTBOX, NAME)
    assert bytes(blobs.get(NAME)) == VALUE
    assert scene.store.keys("outbox/") == []


def test_a_task_reads_what_it_has_left(scene: Scene) -> None:
    aside = scene.aside()
    aside.put([VALUE])
    assert bytes(aside.get(NAME)) == b"".join(aside.stream(NAME)) == VALUE
    assert (aside.has(NAME), aside.size(NAME)) == (True, len(VALUE))


def test_what_the_bucket_has_is_not_sent(scene: Scene) -> None:
    scene.store.blobs.put([VALUE])
    aside = scene.aside()
    assert aside.put([VALUE]) == NAME
    assert aside.sent == []
    assert scene.store.keys("outbox/") == []


def test_of_two_tasks_that_leave_the_same_both_are_right(scene: Scene) -> None:
    """One after the other, and both before the scheduler looks."""
    blobs = scene.store.blobs
    for aside in (scene.aside(), scene.aside()):
        aside.put([VALUE])
    blobs.take_over(OUTBOX, NAME)
    blobs.take_over(OUTBOX, NAME)
    scene.sent(VALUE, NAME)
    blobs.take_over(OUTBOX, NAME)
    assert bytes(blobs.get(NAME)) == VALUE
    assert scene.store.keys("outbox/") == []


def test_other_bytes_than_their_name_says_become_no_blob(scene: Scene) -> None:
    scene.sent(VALUE[:-1] + b"?", NAME)
    with pytest.raises(DamagedBlob, match=NAME):
        scene.store.blobs.take_over(OUTBOX, NAME)
    assert not scene.store.blobs.has(NAME)
    assert scene.store.keys("outbox/") == []


def test_a_blob_that_was_announced_and_not_sent_is_missing(scene: Scene, tmp_path: Path) -> None:
    for store in (scene.store, DirectoryStore(tmp_path)):
        with pytest.raises(MissingBlob, match=NAME):
            store.blobs.take_over(OUTBOX, NAME)


@pytest.mark.parametrize("pieces", [[(None, None)], [(0, PART), (PART, len(VALUE) - PART)]])
def test_what_is_copied_is_what_was_hashed(scene: Scene, pieces: list[tuple[int | None, int | None]]) -> None:
    """A step may send something else at any moment."""
    scene.sent(VALUE, NAME)
    key, state = f"{OUTBOX}/{NAME}", scene.etag(f"{OUTBOX}/{NAME}")
    scene.sent(b"?" + VALUE[1:], NAME)
    link = scene.objects.link
    source = [
        ComposeSource(scene.place.bucket, link.name(key), offset=at, length=of, match_etag=state) for at, of in pieces
    ]
    assert not copying._composed(link, "blobs/x", source)
    assert scene.objects.head("blobs/x") is None
    assert link.client._list_multipart_uploads(scene.place.bucket).uploads == []


@pytest.mark.parametrize("kind", ["minio", "versitygw"])
def test_what_cannot_be_sent_to_its_end_stays_in_the_folder(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server goes away before the second part."""
    monkeypatch.setattr(task_blobs, "SINGLE", ONE_PIECE)
    with running(kind, tmp_path / "server") as server:
        scene = Scene(Bucket(server, server.bucket()), tmp_path / "scratch")

        def sign(request: Request) -> Signed:
            signed = scene.sign(request)
            if request.query.get("partNumber") == "2":
                server.kill()
            return signed

        outbox = tmp_path / "outbox"
        outbox.mkdir()
        blobs = TaskBlobs(scene.store.blobs, outbox, aside=lambda: scene.aside(sign, patience=0.5))
        assert blobs.put([VALUE]) == NAME
        assert (blobs.written, blobs.sent) == ([NAME], ())
        server.start()
        scene.store.blobs.adopt(outbox, NAME)
        assert bytes(scene.store.blobs.get(NAME)) == VALUE


LEAVES = """
import os
from dockerflow import FlowSpec, current, step
from dockerflow.store.runs import outbox_key
from dockerflow.store.s3.granted import granted_outbox
from dockerflow.store.s3.line import VARIABLE, Line

class Leaves(FlowSpec):
    @step
    def start(self):
        outbox = granted_outbox(Line(os.environ[VARIABLE]), None, outbox_key(current.flow_name, current.run_id))
        print("sent", outbox.put([bytes(range(256)) * 1000]) in outbox.sent)
        self.next(self.end)

    @step
    def end(self):
        os._exit(3)
"""


def test_what_no_result_tells_of_goes_with_the_run(tmp_path: Path, object_bucket: Bucket) -> None:
    (tmp_path / "flow.py").write_text(LEAVES)
    settings = {
        "DOCKERFLOW_STORE": f"s3://{object_bucket.name}/a/store",
        **object_bucket.server.settings(),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    done = dockerflow("run", "flow.py", "--engine", "process", cwd=tmp_path, **settings)
    assert done.code == 1
    assert "sent True" in done.stdout
    assert Scene(object_bucket, tmp_path / "scratch").store.keys("outbox/") == []
