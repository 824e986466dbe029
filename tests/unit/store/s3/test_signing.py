"""The minio SDK signs with other code than ours: for the same request both must find the same signature."""

from __future__ import annotations

from datetime import datetime, timezone
from urllib.parse import urlsplit

import minio.signer
from hypothesis import given
from hypothesis import strategies as st
from minio.credentials import Credentials as SdkCredentials

from dockerflow.store.s3.place import Place
from dockerflow.store.s3.signing import EMPTY, Credentials, Request, presign, sign

NOW = datetime(2026, 11, 23, 4, 5, 6, tzinfo=timezone.utc)
NAME = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="/"), min_size=1, max_size=12)
KEY = st.lists(NAME.filter(lambda name: name not in (".", "..")), min_size=1, max_size=4).map("/".join)
# What S3 has queries for: names of its own, and keys, tokens and delimiters as values.
QUERY = st.dictionaries(st.sampled_from(["prefix", "list-type", "uploads", "delimiter"]), NAME | st.just(""))
TOKEN = st.none() | st.text("abcXYZ012+/=", min_size=1, max_size=40)
BY_ADDRESS = [("http://127.0.0.1:9000", False), ("http://[::1]:80", False)]
BY_NAME = [("https://s3.example.org", False), ("https://s3.example.org", True), ("http://s3.example.org:9000", True)]


@st.composite
def places(draw: st.DrawFn) -> Place:
    endpoint, virtual_host = draw(st.sampled_from([*BY_ADDRESS, *BY_NAME]))
    prefix, region = draw(st.sampled_from(["", "a/prefix", "with space+é"])), draw(st.sampled_from(["us-east-1", "eu"]))
    return Place(endpoint, "a-bucket", prefix, region, virtual_host)


def theirs(credentials: Credentials) -> SdkCredentials:
    return SdkCredentials(credentials.access_key, credentials.secret_key, credentials.session_token)


@given(places(), KEY, QUERY, TOKEN)
def test_headers_are_signed_as_the_sdk_signs_them(
    place: Place, key: str, query: dict[str, str], token: str | None
) -> None:
    credentials = Credentials("an-access-key", "a secret", token)
    ours = sign(place, credentials, Request("GET", key, query, {"x-amz-meta-a": "b   c"}), NOW.timestamp())
    url = urlsplit(ours.url)
    headers = {
        "Host": url.netloc,
        "x-amz-date": "20261123T040506Z",
        "x-amz-content-sha256": EMPTY,
        "x-amz-meta-a": "b   c",
        **({"x-amz-security-token": token} if token else {}),
    }
    signed = minio.signer.sign_v4_s3(
        method="GET",
        url=url,
        region=place.region,
        headers=headers,
        credentials=theirs(credentials),
        content_sha256=EMPTY,
        date=NOW,
    )
    assert ours.headers["authorization"] == signed["Authorization"]


@given(places(), KEY, QUERY, st.integers(1, 604_800))
def test_urls_are_signed_as_the_sdk_signs_them(place: Place, key: str, query: dict[str, str], seconds: int) -> None:
    credentials = Credentials("an-access-key", "a secret")
    ours = presign(place, credentials, Request("PUT", key, query), seconds, NOW.timestamp())
    signed = minio.signer.presign_v4(
        method="PUT",
        url=urlsplit(place.url(key, query)),
        region=place.region,
        credentials=theirs(credentials),
        date=NOW,
        expires=seconds,
    )
    assert sorted(urlsplit(ours.url).query.split("&")) == sorted(signed.query.split("&"))
    assert ours.url.split("?")[0] == place.url(key, {})


def test_a_header_that_is_signed_into_a_url_has_to_be_sent() -> None:
    place = Place("http://127.0.0.1:9000", "a-bucket")
    signed = presign(place, Credentials("a", "b"), Request("PUT", "k", {}, {"if-none-match": "*"}), 60, NOW.timestamp())
    assert signed.headers == {"if-none-match": "*"}
    assert "X-Amz-SignedHeaders=host%3Bif-none-match" in signed.url


def test_no_secret_is_in_what_is_printed() -> None:
    assert "a-secret" not in repr(Credentials("an-access-key", "a-secret", "the-token-of-a-secret"))
