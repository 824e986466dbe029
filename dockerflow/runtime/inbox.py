"""Another way into a container, where its standard input ends with the first connection to it: as on Podman.

Whoever may use the engine can put files into a container. Those that come to this folder belong to another user than
the worker's, which no task can give its own files. Standard library only, Python 3.7.
"""

from __future__ import annotations

import os

# In the worker's own folder.
NAME = "inbox"

# Seconds between two looks: where there is no other way, and where there is one.
OFTEN, SELDOM = 0.1, 1.0


class Inbox:
    """`folder` is the worker's own. The files' names say their order."""

    def __init__(self, folder: str) -> None:
        self._folder = os.path.join(folder, NAME)
        os.makedirs(self._folder, 0o700, exist_ok=True)

    def take(self) -> bytes:
        """What has come since the last time. A file may not be whole yet: what is lost of it is sent again."""
        try:
            names = sorted(os.listdir(self._folder))
        except OSError:  # a task has removed it, and with it the way to its own worker
            return b""
        return b"".join(self._content(os.path.join(self._folder, name)) for name in names)

    def _content(self, path: str) -> bytes:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with open(descriptor, "rb") as stream:
                is_ours = os.fstat(descriptor).st_uid == os.geteuid()
                content = b"" if is_ours else stream.read()
            os.unlink(path)
        except OSError:
            return b""
        return content
