"""A step for which the server has another name than it was told: it need not wait as for one that is away."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dockerflow.buckets.grants import Grants, Ours
from dockerflow.store.errors import Unreachable
from dockerflow.store.s3 import exchange
from dockerflow.store.s3.access import Answer, Question
from dockerflow.store.s3.granted import GrantedObjects, GrantedSigner
from dockerflow.store.s3.line import Line
from dockerflow.store.s3.place import Place
from dockerflow.store.s3.signing import Credentials
from tests.object_servers import Bucket, ObjectServer, running


@pytest.fixture
def nowhere() -> Iterator[str]:
    """Where nothing listens, as long as the test goes on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


class Asking(Line):
    """Asks the scheduler without a worker between."""

    def __init__(self, grants: Grants) -> None:
        super().__init__("none")
        self._grants = grants
        self.asked: list[Question] = []

    def ask(self, question: Question) -> Answer:
        self.asked.append(question)
        return self._grants.answer(question)


def asking(server: ObjectServer, bucket: str, seen_at: str, patience: float) -> Asking:
    place = Place(server.endpoint, bucket, "a/store", server.region)
    own = Credentials(server.access_key, server.secret_key)
    return Asking(Grants(Ours(place, lambda: own, replace(place, endpoint=seen_at), patience), "F", "1"))


def test_both_names_and_the_setting_are_said_long_before_patience_ends(
    object_bucket: Bucket, nowhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "DOUBT", 0.1)
    line = asking(object_bucket.server, object_bucket.name, nowhere, 3600.0)
    with pytest.raises(Unreachable, match=f"for it that is `{nowhere}` .*`{object_bucket.server.endpoint}`") as found:
        GrantedObjects(GrantedSigner(line)).get("runs/x")
    assert "`s3_containers_endpoint`" in (found.value.hint or "")
    assert len([each for each in line.asked if each.unanswered]) == 1


def test_a_server_that_answers_nobody_is_waited_for(
    tmp_path: Path, nowhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "DOUBT", 0.0)
    with running("minio", tmp_path / "data") as server:
        line = asking(server, server.bucket(), nowhere, 1.0)
        signer = GrantedSigner(line)
        server.kill()
        with pytest.raises(Unreachable, match=f"no answer from the S3 server `{nowhere}` in 1 s"):
            GrantedObjects(signer).get("runs/x")
    assert [each for each in line.asked if each.unanswered]


def test_a_server_that_has_answered_before_has_its_right_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "DOUBT", 0.0)
    with running("minio", tmp_path / "data") as server:
        line = asking(server, server.bucket(), server.endpoint, 1.0)
        objects = GrantedObjects(GrantedSigner(line))
        assert objects.get("runs/x") is None
        server.kill()
        with pytest.raises(Unreachable, match="no answer from the S3 server"):
            objects.get("runs/x")
    assert not [each for each in line.asked if each.unanswered]
