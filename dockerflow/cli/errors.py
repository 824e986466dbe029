"""What can be wrong with a command line, and how an error of any kind is shown.

    CommandLineError    exit 2   an unknown command or option, a missing or unusable value
    NotPermittedError   exit 7   a file that the user may not read or write, where nothing nearer to it said so

Everything that fails anywhere in dockerflow ends in `show_error` or `show_bug`: no traceback of ours is on the screen.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Iterable
from difflib import get_close_matches
from typing import TextIO

import dockerflow
from dockerflow.cli.streams import coloured, discard, is_gone
from dockerflow.errors import DockerflowError

__all__ = [
    "BUG",
    "DIFFERENT",
    "HUNG_UP",
    "INTERRUPTED",
    "TERMINATED",
    "CommandLineError",
    "NotPermittedError",
    "nearest",
    "show_bug",
    "show_error",
]

# The exit code of a mistake of dockerflow itself: EX_SOFTWARE of sysexits.h.
BUG = 70

# A run was run again to its end, and not all that it made is what it made then; or two runs differ.
DIFFERENT = 11

INTERRUPTED = 130  # 128 + SIGINT
TERMINATED = 143  # 128 + SIGTERM
HUNG_UP = 129  # 128 + SIGHUP


class CommandLineError(DockerflowError):
    """The command line cannot be understood, or names something that is not there."""

    exit_code = 2


class NotPermittedError(DockerflowError):
    """A file or folder that is not the user's, or is read-only."""

    exit_code = 7

    def __init__(self, error: PermissionError) -> None:
        super().__init__(
            f"`{error.filename}` cannot be read or written: {error.strerror}",
            "see its owner and mode with `ls -ld`; DOCKERFLOW_STORE and DOCKERFLOW_CACHE_DIR name other folders",
        )


def nearest(word: str, words: Iterable[str]) -> str | None:
    """The word that was probably meant, if one is near."""
    return next(iter(get_close_matches(word, list(words), n=1)), None)


def show_error(error: DockerflowError, stream: TextIO) -> None:
    """`error: …`, an empty line, `hint: …`; the first word of each coloured on a terminal."""
    text = f"{_label('error:', '1;31', stream)} {error.message}\n"
    if error.hint:
        text += f"\n{_label('hint:', '1;36', stream)} {error.hint}\n"
    try:
        stream.write(text)
        stream.flush()
    except OSError as gone:
        if not is_gone(gone):
            raise
        discard(stream)


def show_bug(error: BaseException, stream: TextIO) -> None:
    """Say that this is our mistake, and where its traceback was saved."""
    saved = _save_traceback(error)
    what = " ".join(traceback.format_exception_only(type(error), error)[-1].split())
    message = f"dockerflow made a mistake of its own: {what}"
    if saved is None:
        hint = "please report it; its traceback could not be saved: the folder for temporary files is not writable"
    else:
        hint = f"please report it with the file `{saved}`, which holds the traceback and the command line"
    show_error(DockerflowError(message, hint), stream)


def _save_traceback(error: BaseException) -> str | None:
    try:
        handle, path = tempfile.mkstemp(prefix="dockerflow-mistake-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            python, system = platform.python_version(), platform.platform()
            file.write(f"dockerflow {dockerflow.__version__}, Python {python}, {system}\ncommand: {sys.argv}\n\n")
            file.writelines(traceback.format_exception(type(error), error, error.__traceback__))
    except OSError:
        return None
    return path


def _label(word: str, colour: str, stream: TextIO) -> str:
    return f"\x1b[{colour}m{word}\x1b[0m" if coloured(stream) else word
