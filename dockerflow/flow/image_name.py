"""What an image can be called, as engines and registries take it: host, path, tag, digest.

    https://pkg.go.dev/github.com/distribution/reference

Standard library only, Python 3.7.
"""

from __future__ import annotations

import re

__all__ = ["is_image_name"]

_IMAGE_NAME = re.compile(
    r"([A-Za-z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?"
)


def is_image_name(text: str) -> bool:
    return _IMAGE_NAME.fullmatch(text) is not None
