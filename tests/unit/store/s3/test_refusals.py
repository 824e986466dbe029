"""What a server says instead of doing what it was asked, in its own words, becomes an error that helps."""

from __future__ import annotations

import pytest

from dockerflow.store.errors import AccessDenied, StoreError, Unreachable
from tests.unit.store.s3.scripted import client_of, ok, says


def refused(status: int, code: str = "", message: str = "", more: str = "", headers: str = "") -> bytes:
    body = f"<Error><Code>{code}</Code><Message>{message}</Message>{more}</Error>".encode() if code else b""
    return f"HTTP/1.1 {status} No\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


@pytest.mark.parametrize(
    ("status", "code"),
    [(503, "SlowDown"), (500, "InternalError"), (429, ""), (502, ""), (504, ""), (400, "RequestTimeout")],
)
def test_what_passes_is_asked_again(status: int, code: str) -> None:
    with client_of(says(refused(status, code), ok(b"text"))) as client:
        assert client.get_range("k", 0, 10) == b"text"


def test_what_does_not_pass_in_time_is_said_with_its_last_words() -> None:
    with client_of(says(refused(503, "SlowDown", "Too many.")), patience=0.0) as client:
        with pytest.raises(Unreachable, match=r"it answered 503 `SlowDown`: Too many\.") as error:
            client.get("k")
        assert "`store_patience`" in str(error.value)


def test_a_conflict_of_two_that_put_something_new_is_decided_by_asking_again() -> None:
    conflict = refused(409, "ConditionalRequestConflict")
    exists = refused(412, "PreconditionFailed")
    with client_of(says(conflict, ok(b""))) as client:
        assert client.put("k", b"mine", new=True)
    theirs = ok(b"theirs", "Content-Range: bytes 0-5/6\r\n")
    with client_of(says(conflict, exists, theirs)) as client:
        assert not client.put("k", b"mine", new=True)


@pytest.mark.parametrize(
    ("answer", "kind", "words", "hint"),
    [
        (refused(403, "AccessDenied", "Denied."), AccessDenied, "`AccessDenied`: Denied", "a step may read"),
        (refused(403, "RequestTimeTooSkewed", headers="Date: Mon, 23 Nov 2026 11:52:16 GMT\r\n"), AccessDenied,
         "which says it is Mon, 23 Nov 2026 11:52:16 GMT", "set both clocks"),
        (refused(400, "AuthorizationHeaderMalformed", more="<Region>eu-central-1</Region>"), StoreError,
         "not in the region `us-east-1`: it is in `eu-central-1`", "`s3_region`"),
        (refused(301, "PermanentRedirect", headers="x-amz-bucket-region: eu-west-3\r\n"), StoreError,
         "it is in `eu-west-3`", "`s3_region`"),
        (refused(404, "NoSuchBucket"), StoreError, "no bucket `bucket`", "`s3_endpoint`"),
        (refused(418, "Teapot", "I am &lt;one&gt;."), StoreError, "418 `Teapot`: I am <one>", None),
        (b"HTTP/1.1 400 Bad\r\nContent-Length: 7\r\n\r\nnot xml", StoreError, "400 `HTTP 400`: not xml", None),
    ],
)  # fmt: skip
def test_each_refusal_says_what_to_do(answer: bytes, kind: type[StoreError], words: str, hint: str | None) -> None:
    with client_of(says(answer)) as client:
        with pytest.raises(kind, match=words) as error:
            client.put("k", b"text")
        assert (hint or "") in (error.value.hint or "")
        assert (error.value.hint is None) == (hint is None)


def test_an_answer_without_words_means_what_its_status_means() -> None:
    with client_of(says(refused(404), refused(403))) as client:
        assert client.head("k") is None
        with pytest.raises(AccessDenied, match="refuses HEAD of `k` in `s3://bucket`"):
            client.head("k")


def test_an_upload_in_parts_that_fails_after_it_was_accepted_is_tried_again() -> None:
    """A server says `200` before it has put the parts together, and then what became of it."""
    begun = ok(b"<R><UploadId>u</UploadId></R>")
    part = ok(b"", "ETag: e\r\n")
    failed = ok(b"  <?xml version='1.0'?><Error><Code>InternalError</Code><Message>again</Message></Error>")
    with client_of(says(begun, part, failed, ok(b"<CompleteMultipartUploadResult/>"))) as client:
        client._single = 0
        client.put_large("k", [b"text"], 4, "00" * 32)


def test_an_upload_in_parts_whose_last_answer_was_lost_is_done() -> None:
    begun = ok(b"<R><UploadId>u</UploadId></R>")
    there = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
    gone = refused(404, "NoSuchUpload")
    with client_of(says(begun, ok(b"", "ETag: e\r\n"), b""), says(gone, there)) as client:
        client._single = 0
        client.put_large("k", [b"text"], 4, "00" * 32)
