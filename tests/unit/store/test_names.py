from __future__ import annotations

import pytest

from dockerflow.store.errors import StoreError
from dockerflow.store.names import InBucket, in_bucket, is_in_bucket


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("s3://bucket", InBucket("bucket")),
        ("s3://bucket/", InBucket("bucket")),
        ("s3://my.bucket-1/a", InBucket("my.bucket-1", "a")),
        ("s3://bucket/a b/c+d/é/", InBucket("bucket", "a b/c+d/é")),
    ],
)
def test_a_name_has_a_bucket_and_a_prefix(name: str, found: InBucket) -> None:
    assert in_bucket(name) == found


def test_a_name_is_written_in_one_way() -> None:
    assert str(in_bucket("s3://bucket/")) == "s3://bucket"
    assert str(in_bucket("s3://bucket/a/b/")) == "s3://bucket/a/b"


@pytest.mark.parametrize(
    "name",
    ["s3://", "s3://ab", "s3://-bucket", "s3:///a", "s3://bucket//a", "s3://bucket/../a", "s3://bucket/.hidden/a",
     "s3://bucket?region=x", "s3://bucket/a#b", "s3://bucket:9000/a", "https://bucket/a", "bucket/a", "S3 bucket"],
)  # fmt: skip
def test_what_names_no_store_is_refused(name: str) -> None:
    with pytest.raises(StoreError, match="names no store in a bucket"):
        in_bucket(name)


def test_credentials_in_a_name_are_refused_and_not_shown() -> None:
    with pytest.raises(StoreError) as refused:
        in_bucket("s3://somebody:hushed@bucket/a")
    assert "hushed" not in str(refused.value)
    assert "DOCKERFLOW_S3_SECRET_KEY" in str(refused.value.hint)


def test_a_folder_is_in_no_bucket() -> None:
    assert not is_in_bucket("/data/s3")
    assert not is_in_bucket(None)
    assert is_in_bucket("s3://bucket")


@pytest.mark.parametrize("name", ["s3:/bucket", "s3:bucket/a"])
def test_a_bucket_that_lacks_a_slash_is_no_folder_of_that_name(name: str) -> None:
    assert is_in_bucket(name)
    with pytest.raises(StoreError, match="names no store in a bucket"):
        in_bucket(name)
