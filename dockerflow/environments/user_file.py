"""Files that users have already, as text with places to point at."""

from __future__ import annotations

import codecs
from pathlib import Path

from dockerflow.environments.errors import InvalidSpec
from dockerflow.flow.errors import place

# pip reads these as well: some shells write UTF-16 when a command's output goes into a file.
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def read(path: Path, named_at: str) -> str:
    """The file's text. Raises InvalidSpec; `named_at` is where the file is named."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InvalidSpec(f"{named_at} names the file `{path}`, which is not there", "check its name") from None
    except IsADirectoryError:
        raise InvalidSpec(f"{named_at} names `{path}`, which is a folder", "name the file in it") from None
    except OSError as error:
        raise InvalidSpec(
            f"{named_at} names the file `{path}`, which cannot be read: {error.strerror}", "make it readable"
        ) from error
    mark, encoding = next(((mark, name) for mark, name in _MARKS if data.startswith(mark)), (b"", "utf-8"))
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise _not_text(path, data[: error.start].count(b"\n")) from error
    if "\0" in text:
        raise _not_text(path, text[: text.index("\0")].count("\n"))
    return text


def _not_text(path: Path, lines_before: int) -> InvalidSpec:
    return InvalidSpec(f"{place(str(path), lines_before + 1)}: this is not text in UTF-8", "save the file as UTF-8")
