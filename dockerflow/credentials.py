"""What may be secret in a URL, so that it gets into no lock, no hash, no message and no image.

Credentials belong into `~/.netrc`, the file in RATTLER_AUTH_FILE or a keyring, from where they are read when something
is fetched. A URL that carries them itself is refused wherever one is taken in.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

# A name or password before the host, a conda token in the path, whatever stands in a query (signatures, tokens).
_SECRET = re.compile(r"(?<=://)[^/@\s`'\"]+(?=@)|(?<=/t/)[^/\s`'\"]+|(?<=\?)[^\s`'\"#]+")

HINT = "leave them out of the URL: they are read from `~/.netrc`"


def in_url(url: str) -> bool:
    """Whether the URL carries what may be a secret. One that cannot be read counts as having some."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return True
    return "@" in parts.netloc or "/t/" in parts.path or bool(parts.query)


def hidden(text: str) -> str:
    """The text with `***` in place of every secret in a URL."""
    return _SECRET.sub("***", text)
