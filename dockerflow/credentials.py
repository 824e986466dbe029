"""What may be secret in a URL, so that it gets into no lock, no hash, no message and no image.

Credentials belong into `~/.netrc`, the file in RATTLER_AUTH_FILE or a keyring, from where they are read when something
is fetched. A URL that carries them itself is refused wherever one is taken in.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

# A name or password before the host, a conda token in the path, whatever stands in a query (signatures, tokens).
_SECRET = re.compile(r"(?<=://)[^/\s`'\"]+(?=@)|(?<=/t/)[^/\s`'\"]+|(?<=\?)[^\s`'\"#]+")

HINT = "leave them out of the URL: they are read from `~/.netrc`"
WANTED = "put them into `~/.netrc`, or for a conda channel into the file that RATTLER_AUTH_FILE names"

_TOKEN = re.compile(r"/t/[^/]+(?=/)")
_REFUSED = re.compile(r"\b(401|403)\b")


def in_url(url: str) -> bool:
    """Whether the URL carries what may be a secret. One that cannot be read counts as having some."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return True
    return "@" in parts.netloc or "/t/" in parts.path or bool(parts.query)


def without(url: str) -> str:
    """The URL without a name, a password, a conda token or a query. Who asks for it adds what this machine knows."""
    if not in_url(url):
        return url
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, _TOKEN.sub("", parts.path, count=1), "", parts.fragment))


def wanted(answer: str) -> bool:
    """Whether an HTTP error says that somebody else may have what was asked for."""
    return _REFUSED.search(answer) is not None


def hidden(text: str) -> str:
    """The text with `***` in place of every secret in a URL."""
    return _SECRET.sub("***", text)
