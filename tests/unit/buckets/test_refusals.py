"""What the SDK and its connections raise, all of it, is an error of ours or worth another try."""

from __future__ import annotations

import inspect

import pytest
import urllib3
from minio import error as of_sdk
from urllib3 import exceptions

from dockerflow.buckets.patience import Again
from dockerflow.buckets.refusals import _EXPLANATIONS, FOREIGN, Server, translate
from dockerflow.store.errors import StoreError
from dockerflow.store.s3.place import Place

SERVER = Server(Place("http://server:9000", "bucket"), "the variable KEY")


def classes(module: object) -> list[type[BaseException]]:
    return [
        each
        for _, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, FOREIGN) and not issubclass(each, (Warning, of_sdk.MinioAdminException))
    ]


def translated(error: BaseException) -> BaseException:
    with pytest.raises((StoreError, Again)) as raised:
        translate(error, SERVER)
    return raised.value


def answer(status: int, body: str = "", **headers: str) -> urllib3.HTTPResponse:
    return urllib3.HTTPResponse(body.encode(), status=status, headers=headers)


def refused(code: str, status: int, message: str = "why", body: str = "") -> BaseException:
    found = answer(status, body or "<Error/>", date="Mon, 23 Nov 2026 12:00:00 GMT")
    return translated(of_sdk.S3Error(found, code, message, "/", "", ""))


@pytest.mark.parametrize("kind", classes(exceptions))
def test_every_failure_of_a_connection_has_an_error(kind: type[BaseException]) -> None:
    failed = kind.__new__(kind)
    failed.args = ("something",)
    # What some of them need to be printed.
    vars(failed).update(reason=None, response=answer(200), partial=0, expected=1, length=b"x")
    assert isinstance(translated(failed), (StoreError, Again))


def test_the_reason_of_a_failure_is_told_whatever_it_is_wrapped_in() -> None:
    name = exceptions.NameResolutionError("nowhere", None, OSError("no"))  # type: ignore[arg-type]
    wrapped = exceptions.MaxRetryError(None, "/", name)  # type: ignore[arg-type]
    assert str(translated(wrapped)) == "its name is not known here"


@pytest.mark.parametrize("code", _EXPLANATIONS)
def test_every_refusal_that_we_know_names_the_server_and_what_to_do(code: str) -> None:
    error = refused(code, 403)
    assert isinstance(error, StoreError)
    assert "http://server:9000" in error.message
    assert error.hint


def test_a_name_that_no_bucket_can_have_is_told() -> None:
    error = refused("InvalidBucketName", 400)
    assert str(error).startswith("the S3 server `http://server:9000` takes no bucket of the name `bucket`: why\n")
    assert "--store" in str(error)


def test_a_refusal_that_is_told_in_our_words_brings_no_exceptions_of_the_sdk_into_a_notebook() -> None:
    assert refused("NoSuchBucket", 404).__suppress_context__


def test_a_refusal_that_we_do_not_know_is_told_in_the_servers_words() -> None:
    assert "`InvalidStorageClass`: why" in str(refused("InvalidStorageClass", 400))


@pytest.mark.parametrize(
    ("code", "status"), [("SlowDown", 503), ("InternalError", 500), ("TooManyRequests", 429), ("RequestTimeout", 400)]
)
def test_a_server_that_has_too_much_to_do_is_asked_again(code: str, status: int) -> None:
    assert isinstance(refused(code, status), Again)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_a_proxy_whose_server_is_away_is_asked_again(status: int) -> None:
    assert isinstance(translated(of_sdk.ServerError("server failed", status)), Again)
    assert isinstance(translated(of_sdk.InvalidResponseError(status, "text/html", "<html>")), Again)


def test_clocks_that_differ_are_told_apart() -> None:
    assert "2026-11-23 12:00:00 UTC" in str(refused("RequestTimeTooSkewed", 403))


@pytest.mark.parametrize(
    ("message", "body"),
    [
        ("wrong", "<Error><Region>eu-1</Region></Error>"),
        ("wrong", "<Error><Message>the region is wrong; expecting 'eu-1'</Message></Error>"),
    ],
)
def test_the_right_region_is_told_where_the_server_tells_it(message: str, body: str) -> None:
    error = refused("AuthorizationHeaderMalformed", 400, message, body)
    assert "it is in `eu-1`" in str(error)
    assert "`s3_region`: eu-1" in str(error)
