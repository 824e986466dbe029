"""The certificates that this machine trusts servers by, as text: images of steps often have none of their own."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

# What OpenSSL calls `TRUSTED CERTIFICATE` has more in it, which Python does not read.
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def trusted_here() -> str | None:
    """In PEM, each once: those of the file and the folder where OpenSSL looks, or that SSL_CERT_FILE and SSL_CERT_DIR
    name. None where there are none."""
    found = dict.fromkeys(each for path in _files() for each in _certificates(path))
    return "\n".join([*found, ""]) if found else None


def _files() -> Iterator[Path]:
    places = ssl.get_default_verify_paths()
    if places.cafile:
        yield Path(places.cafile)
    if places.capath:
        with suppress(OSError):
            yield from sorted(Path(places.capath).iterdir())


def _certificates(path: Path) -> list[str]:
    try:
        return _CERTIFICATE.findall(path.read_text(encoding="latin-1")) if path.is_file() else []
    except OSError:
        return []
