"""What a process prints into a file, read while it prints."""

from __future__ import annotations

import codecs
from pathlib import Path
from types import TracebackType
from typing import TextIO


class Following:
    """Shows on a stream of this process what has come into a file since it was last asked to."""

    def __init__(self, file: Path, stream: TextIO) -> None:
        self._file, self._stream = file.open("rb"), stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def show(self) -> None:
        text = self._decoder.decode(self._file.read())
        if text:
            self._stream.write(text)
            self._stream.flush()

    def __enter__(self) -> Following:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()


def next_line(file: Path, position: int, whole: bool) -> tuple[int, str] | None:
    """The line that begins at `position`, and where the next one does. None while there is none; if `whole`, one that
    has not ended yet is none."""
    with file.open("rb") as stream:
        stream.seek(position)
        line = stream.readline()
    if not line or (whole and not line.endswith(b"\n")):
        return None
    return position + len(line), line.decode("utf-8", "replace").rstrip()
