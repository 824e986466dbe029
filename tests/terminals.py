"""A command at a terminal, as a user sits there: what is typed, and what is shown."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_CONTROL = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[()=>][A-Z0-9]?|\r")


class Terminal:
    """A process with a terminal of its own, of 50 lines and 150 columns."""

    def __init__(self, words: Sequence[str | Path], cwd: Path, env: Mapping[str, str], patience: float = 120.0) -> None:
        self._ours, self._its = pty.openpty()
        self.resize(50, 150)
        self.before = termios.tcgetattr(self._its)
        self._patience = patience
        self.shown = ""  # all of it, without what moves the cursor
        self._read = 0  # up to where it was expected
        self.process = subprocess.Popen(
            [*map(str, words)],
            cwd=cwd,
            env={**env, "TERM": "xterm"},
            stdin=self._its,
            stdout=self._its,
            stderr=self._its,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    def resize(self, lines: int, columns: int) -> None:
        fcntl.ioctl(self._its, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def settings(self) -> list[Any]:
        """Of the terminal, as `before`."""
        return termios.tcgetattr(self._its)

    def expect(self, text: str) -> str:
        """Wait until it is shown after what was expected before; what was shown up to it."""
        deadline = time.monotonic() + self._patience
        while text not in self.shown[self._read :]:
            left = deadline - time.monotonic()
            assert left > 0, f"`{text}` is not shown:\n{self.shown}"
            assert self._receive(left) or text in self.shown[self._read :], f"it ended without `{text}`:\n{self.shown}"
        end = self.shown.index(text, self._read) + len(text)
        found, self._read = self.shown[self._read : end], end
        return found

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def line(self, text: str) -> None:
        self.type(text + "\n")

    def end(self) -> int:
        """Wait for its end; the exit code."""
        deadline = time.monotonic() + self._patience
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it does not end:\n{self.shown}"
            self._receive(0.1)
        while self._receive(0.0):
            pass
        return self.process.returncode

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)
        os.close(self._its)

    def _receive(self, seconds: float) -> bool:
        """Whether something was shown; False as well when it has ended and all was read."""
        ready, _, _ = select.select([self._ours], [], [], min(seconds, 0.5))
        if ready:
            self.shown += _CONTROL.sub(b"", os.read(self._ours, 1 << 16)).decode(errors="replace")
        return bool(ready) or (self.process.poll() is None and seconds > 0)
