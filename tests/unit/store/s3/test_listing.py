from __future__ import annotations

import pytest

from dockerflow.store.errors import StoreError
from dockerflow.store.s3.client import seconds_of
from dockerflow.store.s3.listing import deletion, not_deleted, page_of

CONTENTS = "<Contents><Key>{}</Key><Size>7</Size><LastModified>2026-01-31T23:59:59.500Z</LastModified></Contents>"


def listing(inside: str) -> bytes:
    return f'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{inside}</ListBucketResult>'.encode()


def test_keys_are_decoded_where_the_server_says_that_it_has_encoded_them() -> None:
    encoded = page_of(listing(f"<EncodingType>url</EncodingType>{CONTENTS.format('a%2Bb+c%25')}"))
    plain = page_of(listing(CONTENTS.format("a%2Bb+c&amp;")))
    assert [found.key for found in encoded.objects] == ["a+b c%"]
    assert [found.key for found in plain.objects] == ["a%2Bb+c&"]


def test_a_listing_tells_size_and_time() -> None:
    (found,) = page_of(listing(CONTENTS.format("k"))).objects
    assert (found.size, found.modified, found.sha256) == (7, 1769903999.5, None)


def test_a_page_with_more_behind_it_says_how_to_go_on() -> None:
    more = "<IsTruncated>true</IsTruncated>"
    assert page_of(listing(f"{more}<NextContinuationToken>t</NextContinuationToken>")).next == "t"
    last = "<IsTruncated>false</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
    assert page_of(listing(last)).next is None
    with pytest.raises(StoreError, match="more keys, but not how to get them"):
        page_of(listing(more))


@pytest.mark.parametrize("answer", [b"", b"<html>", listing("<Contents><Key>k</Key></Contents>")])
def test_what_is_no_listing_is_refused(answer: bytes) -> None:
    with pytest.raises(StoreError):
        page_of(answer)


def test_keys_to_delete_are_written_as_xml_and_those_that_are_left_are_told() -> None:
    assert b"<Key>a&amp;b&lt;</Key>" in deletion(["a&b<"])
    left = b"<Error><Key>k</Key><Code>AccessDenied</Code></Error><Deleted><Key>l</Key></Deleted>"
    assert not_deleted(b"<DeleteResult>" + left + b"</DeleteResult>") == [("k", "AccessDenied")]
    assert not_deleted(b"") == []


def test_dates_of_http_are_read() -> None:
    assert seconds_of("Mon, 23 Nov 2026 11:52:16 GMT") == 1795434736
    with pytest.raises(ValueError, match="is not a date"):
        seconds_of("yesterday")
