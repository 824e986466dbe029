"""The way to a bucket: the SDK's client and, for what it has no call for, requests with the SDK's signature.

Connections are kept by one pool for all threads. Neither the SDK nor the pool tries anything again: `asked` does, with
`patience`, and says what went wrong in our words.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast
from urllib.parse import SplitResult, urlsplit

import urllib3
from minio import Minio
from minio import time as sdk_time
from minio.credentials.credentials import Credentials as SdkCredentials
from minio.credentials.providers import Provider
from minio.error import InvalidResponseError, S3Error, ServerError
from minio.signer import sign_v4_s3

from dockerflow.buckets.credentials import Identity
from dockerflow.buckets.patience import Again, Patience, Pauses
from dockerflow.buckets.places import in_region
from dockerflow.buckets.refusals import FOREIGN, Server, translate
from dockerflow.store.base import Chunk
from dockerflow.store.errors import StoreError, Unreachable
from dockerflow.store.s3.patience import FIRST_PAUSE, LONGEST_PAUSE
from dockerflow.store.s3.place import Place, origin_of
from dockerflow.store.s3.refusals import PASSING_STATUS
from dockerflow.store.s3.signing import EMPTY

T = TypeVar("T")

CONNECTING, SILENCE = 10.0, 60.0  # seconds
CONNECTIONS = 32

# Codes for an object that is not there.
_GONE = ("NoSuchKey", "NoSuchObject", "ResourceNotFound")


class Link:
    """To the bucket of `place`, for whoever `identity` is."""

    def __init__(self, place: Place, identity: Identity, patience: float) -> None:
        self.place = place
        self.server = Server(place, identity.source)
        self.patience = Patience(patience)
        self._identity = identity
        self._provider = _Provided(identity)
        self._pool = self._pool_of(urllib3.Retry(0, redirect=False, raise_on_redirect=False, raise_on_status=False))
        self.client = self._client(self._pool)

    def in_region(self, region: str) -> Link:
        return Link(in_region(self.place, region), self._identity, self.patience.seconds)

    def asked(self, attempt: Callable[[], T]) -> T:
        """What `attempt` returns, which is called anew for every try."""
        return self.patience.ask(lambda: self.translated(attempt), self.place.endpoint)

    def asked_once(self, attempt: Callable[[], T]) -> T:
        """As `asked`, of what must not be done twice. Raises Unreachable where it may have been done."""
        try:
            return self.translated(attempt)
        except Again as failed:
            raise Unreachable(
                f"no answer from the S3 server `{self.place.endpoint}`: {failed.why}",
                "see whether the server runs and can be reached from here, and try again",
            ) from failed

    def translated(self, attempt: Callable[[], T]) -> T:
        """Raises Again for what is worth another try, StoreError for what is not."""
        try:
            return attempt()
        except (StoreError, Again):
            raise
        except FOREIGN as error:
            translate(error, self.server)

    def pauses(self) -> Pauses:
        return Pauses(self.patience, self.place.endpoint)

    def name(self, key: str) -> str:
        """An object's key in the bucket."""
        return self.place.in_bucket(key)

    def stubborn_client(self) -> Minio:
        """One that tries again by itself, for calls of the SDK that make many requests."""
        tries = int(self.patience.seconds // 5) + 3
        again = urllib3.Retry(
            tries,
            redirect=False,
            status_forcelist=PASSING_STATUS,
            allowed_methods=None,
            backoff_factor=FIRST_PAUSE,
            backoff_max=LONGEST_PAUSE,
        )
        return self._client(self._pool_of(again))

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: Iterable[Chunk] = (), sha256: str = EMPTY
    ) -> urllib3.BaseHTTPResponse:
        """Make a request; `headers` have the size of its body, `sha256` is the body's. Raises what the SDK raises."""
        parts = urlsplit(url)
        wanted = self._signed(method, parts, {**headers, "Host": parts.netloc, "x-amz-content-sha256": sha256})
        answer = self._pool.urlopen(method, url, body=body or None, headers=wanted, chunked=False)
        if 200 <= answer.status < 300:
            return answer
        if b"<Code>" in answer.data:
            raise S3Error.fromxml(answer)
        if "text" in answer.headers.get("content-type", "") or answer.status < 500:
            text = answer.data.decode("utf-8", "replace")
            raise InvalidResponseError(answer.status, answer.headers.get("content-type"), text)
        raise ServerError(f"server failed with HTTP status code {answer.status}", answer.status)

    def _signed(self, method: str, url: SplitResult, headers: dict[str, str]) -> dict[str, str]:
        credentials, now = self._provider.retrieve(), sdk_time.utcnow()
        headers["x-amz-date"] = sdk_time.to_amz_date(now)
        if credentials.session_token:
            headers["x-amz-security-token"] = credentials.session_token
        signed = sign_v4_s3(
            method=method,
            url=url,
            region=self.place.region,
            headers=cast(Any, headers),
            credentials=credentials,
            content_sha256=headers["x-amz-content-sha256"],
            date=now,
        )
        return cast("dict[str, str]", signed)

    def _client(self, pool: urllib3.PoolManager) -> Minio:
        origin = origin_of(self.place.endpoint)
        client = Minio(
            str(origin).partition("://")[2],
            secure=origin.tls,
            region=self.place.region,
            http_client=pool,
            credentials=self._provider,
        )
        virtual, by_path = client.enable_virtual_style_endpoint, client.disable_virtual_style_endpoint
        cast("Callable[[], None]", virtual if self.place.virtual_host else by_path)()
        return client

    def _pool_of(self, retries: urllib3.Retry) -> urllib3.PoolManager:
        timeout = urllib3.Timeout(connect=CONNECTING, read=SILENCE)
        options: dict[str, Any] = {"timeout": timeout, "maxsize": CONNECTIONS, "retries": retries}
        if origin_of(self.place.endpoint).tls:
            options["ssl_context"] = ssl.create_default_context(cadata=self.place.ca)
        return urllib3.PoolManager(**options)


class _Provided(Provider):
    """Our credentials, as the SDK asks for them."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def retrieve(self) -> SdkCredentials:
        found = self._identity()
        return SdkCredentials(found.access_key, found.secret_key, found.session_token)


def none_if_gone(attempt: Callable[[], T]) -> T | None:
    """None where the object is not there; a bucket that is not there is an error."""
    try:
        return attempt()
    except S3Error as error:
        if error.code in _GONE:
            return None
        raise
