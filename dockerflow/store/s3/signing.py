"""Sign requests to S3: version 4 of its signature, in headers or, for whoever has no credentials, in a URL.

A client asks its `Signer` for every request it sends. `WithCredentials` is one; another is any callable that has
somebody else presign the request. What a signature covers is said in `Request`: nobody can change that afterwards, so a
presigned PUT with the header `x-amz-checksum-sha256` is good for those bytes alone. A header that is not covered, such
as a range, may be sent besides.

The rules: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
"""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import field
from functools import lru_cache
from typing import Callable, Dict, Mapping, NamedTuple, Optional, Tuple

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.s3.place import Place, in_query

ALGORITHM = "AWS4-HMAC-SHA256"
EMPTY = hashlib.sha256(b"").hexdigest()
UNSIGNED = "UNSIGNED-PAYLOAD"


class Request(NamedTuple):
    """What is asked of the server. `key` is None for the bucket itself; names of headers are in lower case."""

    method: str
    key: Optional[str]
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    sha256: str = EMPTY  # of the body, in hex, where it is signed; a presigned request leaves it open


class Signed(NamedTuple):
    """A request that the server will accept: `headers` must be sent with it as they are."""

    url: str
    headers: Dict[str, str]


Signer = Callable[[Request], Signed]


@dataclass(frozen=True)
class Credentials:
    """Never printed: neither part of the secret is in its `repr`."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: Optional[str] = field(default=None, repr=False)


class WithCredentials:
    """Signs with what `credentials` gives, which is asked every time: temporary ones are renewed behind it."""

    def __init__(self, place: Place, credentials: Callable[[], Credentials]) -> None:
        self.place = place
        self.credentials = credentials

    def __call__(self, request: Request) -> Signed:
        return sign(self.place, self.credentials(), request, time.time())

    def presign(self, request: Request, seconds: int) -> Signed:
        """A request that anybody may make within `seconds`."""
        return presign(self.place, self.credentials(), request, seconds, time.time())


def sign(place: Place, credentials: Credentials, request: Request, now: float) -> Signed:
    """Sign in the header `authorization`. `now` is in seconds since the epoch."""
    stamp = _stamp(now)
    headers = {**request.headers, "x-amz-date": stamp, "x-amz-content-sha256": request.sha256}
    if credentials.session_token is not None:
        headers["x-amz-security-token"] = credentials.session_token
    scope = _Scope(place, credentials, stamp)
    names, canonical = _canonical(place, request, request.query, headers, request.sha256)
    headers["authorization"] = (
        f"{ALGORITHM} Credential={credentials.access_key}/{scope.name}, SignedHeaders={names}, "
        f"Signature={scope.signature(canonical)}"
    )
    return Signed(place.url(request.key, request.query), headers)


def presign(place: Place, credentials: Credentials, request: Request, seconds: int, now: float) -> Signed:
    """Sign in the query: the URL is good until `seconds` after `now`, with the request's headers and any body."""
    stamp = _stamp(now)
    scope = _Scope(place, credentials, stamp)
    query = {
        **request.query,
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{credentials.access_key}/{scope.name}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": ";".join(sorted([*request.headers, "host"])),
    }
    if credentials.session_token is not None:
        query["X-Amz-Security-Token"] = credentials.session_token
    _, canonical = _canonical(place, request, query, request.headers, UNSIGNED)
    signed = {**query, "X-Amz-Signature": scope.signature(canonical)}
    return Signed(place.url(request.key, signed), dict(request.headers))


class _Scope:
    """What a signature is good for, and its key."""

    def __init__(self, place: Place, credentials: Credentials, stamp: str) -> None:
        self.stamp = stamp
        self.name = f"{stamp[:8]}/{place.region}/s3/aws4_request"
        self._key = _signing_key(credentials.secret_key, stamp[:8], place.region)

    def signature(self, canonical: str) -> str:
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        return _hmac(self._key, f"{ALGORITHM}\n{self.stamp}\n{self.name}\n{hashed}").hex()


def _canonical(
    place: Place, request: Request, query: Mapping[str, str], headers: Mapping[str, str], payload: str
) -> Tuple[str, str]:
    """The names of the signed headers, and the request in the one form in which it is signed."""
    host = place.base.split("//", 1)[1]
    signed = sorted({**headers, "host": host}.items())
    names = ";".join(name for name, _ in signed)
    # A run of spaces in a header counts as one.
    lines = "".join(f"{name}:{' '.join(value.split())}\n" for name, value in signed)
    path = place.path(request.key)
    return names, f"{request.method}\n{path}\n{in_query(query)}\n{lines}\n{names}\n{payload}"


def _stamp(now: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))


@lru_cache(maxsize=8)
def _signing_key(secret_key: str, day: str, region: str) -> bytes:
    key = _hmac(f"AWS4{secret_key}".encode(), day)
    for part in (region, "s3", "aws4_request"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
