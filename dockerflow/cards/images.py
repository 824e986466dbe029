"""Images as `data:` URLs, from whatever has one: bytes, PIL, matplotlib. Neither library is imported here.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import base64
import io
import re
from typing import Any, Optional, Tuple

__all__ = ["data_url"]

_KINDS = ((b"\x89PNG", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"))
_DATA = re.compile(r"data:image/[\w.+-]+;base64,[A-Za-z0-9+/=\s]*")
_EXPECTED = "expected bytes of a PNG, JPEG, GIF, WebP or SVG, a `data:image/…` URL, a PIL image or a matplotlib plot"


def data_url(image: Any) -> Tuple[str, str]:
    """The URL, and why there is none."""
    if isinstance(image, str):
        return (image, "") if _DATA.fullmatch(image) else ("", f"a text is no image; {_EXPECTED}")
    try:
        content = image if isinstance(image, (bytes, bytearray)) else _saved(image)
    except Exception as error:  # noqa: BLE001 - another library, which draws
        return "", f"the image could not be made: {type(error).__name__}: {error}"
    kind = _kind(bytes(content)) if content is not None else None
    if content is None or kind is None:
        return "", f"a `{type(image).__name__}` is no image; {_EXPECTED}"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}", ""


def _saved(image: Any) -> Optional[bytes]:
    """What a PIL image, a figure or an axes of matplotlib writes into a PNG."""
    image = image.get_figure() if hasattr(image, "get_figure") and not hasattr(image, "savefig") else image
    buffer = io.BytesIO()
    if hasattr(image, "savefig"):
        image.savefig(buffer, format="png", bbox_inches="tight")
    elif hasattr(image, "save"):
        image.save(buffer, format="PNG")
    else:
        return None
    return buffer.getvalue()


def _kind(content: bytes) -> Optional[str]:
    for start, kind in _KINDS:
        if content.startswith(start):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp"
    return "svg+xml" if b"<svg" in content[:1000] else None
