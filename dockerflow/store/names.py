"""Names of stores, as users type them: a folder, or `s3://bucket/prefix`.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from dockerflow.store.errors import StoreError

SCHEME = "s3://"

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; older buckets may have `_` and capitals.
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")

SECRETS = (
    "put them into the variables DOCKERFLOW_S3_ACCESS_KEY and DOCKERFLOW_S3_SECRET_KEY, or into a file that only you "
    "may read and that the setting `s3_credentials` names"
)


class InBucket(NamedTuple):
    """`prefix` has no slash at its ends; empty: the whole bucket."""

    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.prefix}".rstrip("/")


def is_in_bucket(name: object) -> bool:
    """Whether a bucket is meant: also by `s3:/bucket`, which `in_bucket` refuses, and which is no folder."""
    return isinstance(name, str) and name.startswith("s3:")


def in_bucket(name: str) -> InBucket:
    """The parts of `s3://bucket/prefix`. Raises StoreError for what is none, and for one with credentials in it."""
    parts = urlsplit(name)
    if "@" in parts.netloc:
        hidden = f"{SCHEME}***@{parts.netloc.rpartition('@')[2]}{parts.path}"
        raise StoreError(f"the store `{hidden}` has credentials in its name", f"leave them out, and {SECRETS}")
    prefix = parts.path[1:-1] if parts.path.endswith("/") else parts.path[1:]
    names = prefix.split("/") if prefix else []
    wrong = any(not each or each.startswith(".") for each in names) or parts.query or parts.fragment
    if not name.startswith(SCHEME) or not _BUCKET.fullmatch(parts.netloc) or wrong:
        raise StoreError(
            f"`{name}` names no store in a bucket",
            "write it like `s3://bucket` or `s3://bucket/prefix`: a bucket's name has 3 to 63 letters, digits, `-` and "
            "`.`, and no name in the prefix begins with a dot. The server is named by the setting `s3_endpoint`",
        )
    return InBucket(parts.netloc, prefix)
