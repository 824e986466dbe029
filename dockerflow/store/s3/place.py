"""Where a bucket is, and how the URLs of its objects are made.

Keys here are those of the store: `Place` puts the prefix before them and takes it away. A key is written into a URL in
one way alone, the one in which it is signed: every byte but letters, digits, `-._~` and the slash between names as %XX.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Mapping, NamedTuple, Optional
from urllib.parse import quote, urlsplit

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.errors import StoreError


class Origin(NamedTuple):
    """What one connection leads to."""

    tls: bool
    host: str
    port: int

    def __str__(self) -> str:
        return f"{'https' if self.tls else 'http'}://{_netloc(self)}"


@dataclass(frozen=True)
class Place:
    """A prefix of a bucket of a server. `ca` is text in PEM: what is trusted in place of the machine's own list."""

    endpoint: str  # `http://host:port` or `https://host`
    bucket: str
    prefix: str = ""
    region: str = "us-east-1"
    virtual_host: bool = False  # the bucket is in the host's name, not in the path
    ca: Optional[str] = None

    @property
    def name(self) -> str:
        return f"s3://{self.full('')}".rstrip("/")

    def full(self, key: str) -> str:
        """Bucket, prefix and key."""
        return f"{self.bucket}/{self.in_bucket(key)}"

    def in_bucket(self, key: str) -> str:
        prefix = self.prefix.strip("/")
        return f"{prefix}/{key}" if prefix else key

    def within(self, full: str) -> str:
        """The store's key of an object's key in the bucket."""
        return full[len(self.in_bucket("")) :]

    def url(self, key: Optional[str], query: Mapping[str, str]) -> str:
        """Of an object, or of the bucket itself where `key` is None."""
        asked = f"?{in_query(query)}" if query else ""
        return f"{self.base}{self.path(key)}{asked}"

    @property
    def base(self) -> str:
        origin = origin_of(self.endpoint)
        return str(origin._replace(host=f"{self.bucket}.{origin.host}") if self.virtual_host else origin)

    def path(self, key: Optional[str]) -> str:
        """Of an object's URL, or the bucket's."""
        parts = [*([] if self.virtual_host else [self.bucket]), *([] if key is None else [self.in_bucket(key)])]
        return f"/{in_path('/'.join(parts))}"


@lru_cache(maxsize=16)
def origin_of(url: str) -> Origin:
    """Raises StoreError for what is no URL of a server."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if host is None or parts.scheme not in ("http", "https") or parts.path.strip("/"):
        raise StoreError(f"`{url}` is not an endpoint: expected `http://host:port` or `https://host:port`")
    tls = parts.scheme == "https"
    return Origin(tls, host, port or (443 if tls else 80))


def in_path(text: str) -> str:
    return quote(text, safe="/~")


def in_query(query: Mapping[str, str]) -> str:
    """In the order in which it is signed."""
    return "&".join(sorted(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in query.items()))


def _netloc(origin: Origin) -> str:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    return host if origin.port == (443 if origin.tls else 80) else f"{host}:{origin.port}"
