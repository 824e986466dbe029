from __future__ import annotations

import pytest

from dockerflow.store.errors import StoreError
from dockerflow.store.s3.place import Place


def test_the_bucket_is_in_the_path_or_in_the_hosts_name() -> None:
    place = Place("http://server:9000", "bucket", "a/prefix")
    assert place.url("k/1", {}) == "http://server:9000/bucket/a/prefix/k/1"
    assert place.url(None, {"prefix": "a/b", "list-type": "2"}) == "http://server:9000/bucket?list-type=2&prefix=a%2Fb"
    virtual = Place("https://s3.example.org", "bucket", virtual_host=True)
    assert virtual.url("k/1", {}) == "https://bucket.s3.example.org/k/1"
    assert virtual.url(None, {"uploads": ""}) == "https://bucket.s3.example.org/?uploads="


def test_every_byte_of_a_key_that_means_something_in_a_url_is_written_as_its_number() -> None:
    assert Place("http://h", "b").url("a b+c%d=e~f/é?#", {}) == "http://h/b/a%20b%2Bc%25d%3De~f/%C3%A9%3F%23"


def test_a_prefix_is_put_before_a_key_and_taken_away() -> None:
    place = Place("http://h", "b", "of/ours/")
    assert place.within(place.in_bucket("runs/F")) == "runs/F"
    assert place.name == "s3://b/of/ours"
    assert Place("http://h", "b").name == "s3://b"


@pytest.mark.parametrize("endpoint", ["server:9000", "ftp://server", "http://server/minio", "http://", "http://h:port"])
def test_what_is_no_endpoint_is_refused(endpoint: str) -> None:
    with pytest.raises(StoreError, match="is not an endpoint"):
        Place(endpoint, "bucket").url("k", {})
