"""A command as a process beside this one, with its output in two files.

It is in a session of its own. So Ctrl-C reaches it once, from here, wherever this process gets it from; and a kernel of
a notebook that is killed or restarted, with all that is in its group, ends no run: `dockerflow runs kill` does. Files,
and no pipes, because nobody may be there any more to read one.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from dockerflow.runner.ctrl_c import passed_on
from dockerflow.runner.errors import NoOutput, UnknownArgument
from dockerflow.runner.output import Following, next_line

__all__ = ["Command"]

# How long one waits before one looks again, in seconds.
_PAUSE = 0.02

# So long a run that is to end has for putting itself in order, in seconds.
_IN_ORDER = 30.0


class Command:
    """`words` are those behind the program; a file of this command's own is added, by which it tells of its run.

    `process` is the `subprocess.Popen`, `log_files` are the paths of `stdout` and `stderr`; `timeout` is True when the
    process was ended because somebody had waited long enough.
    """

    def __init__(self, program: Sequence[str], words: Sequence[str], env: Mapping[str, str], cwd: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="dockerflow-runner-"))
        self._told = self._folder / "run.json"
        self._removal = weakref.finalize(
            self, shutil.rmtree, self._folder, True
        )  # at this process's end, if not before
        self.log_files = {stream: str(self._folder / f"{stream}.log") for stream in ("stdout", "stderr")}
        self.command = [*program, words[0], f"--runner-attribute-file={self._told}", *words[1:]]
        self.timeout = False
        with ExitStack() as stack:
            outputs = {name: stack.enter_context(open(path, "wb")) for name, path in self.log_files.items()}
            self.process: subprocess.Popen[bytes] = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=outputs["stdout"],
                stderr=outputs["stderr"],
                cwd=cwd,
                env=env,
                start_new_session=True,
            )

    @property
    def returncode(self) -> int | None:
        """None while it goes on."""
        return self.process.poll()

    def told(self) -> dict[str, Any] | None:
        """What the command has told of its run; None before there is one."""
        try:
            found: dict[str, Any] = json.loads(self._told.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return found

    def output(self, stream: str) -> str:
        """All that was printed by now. Raises NoOutput after `cleanup`."""
        try:
            return Path(self._log(stream)).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError as error:
            raise NoOutput(f"what the command printed to `{stream}` was removed", "read it before `cleanup`") from error

    # To its end

    def sync_wait(self, show_output: bool = False) -> None:
        """Wait for the end, and show what it prints meanwhile. Ctrl-C ends the run first."""
        streams = (("stdout", sys.stdout), ("stderr", sys.stderr)) if show_output else ()
        with ExitStack() as stack:
            shown = [stack.enter_context(Following(Path(self.log_files[name]), to)) for name, to in streams]
            try:
                self._follow(shown)
            except KeyboardInterrupt:
                self._interrupted(shown)
                raise

    def _follow(self, shown: Sequence[Following]) -> None:
        ended = False
        while not ended:
            ended = self.returncode is not None  # asked first: what is printed before the end is shown after it
            for each in shown:
                each.show()
            if not ended:
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(_PAUSE)

    def _interrupted(self, shown: Sequence[Following]) -> None:
        """As in a terminal: once it ends in order, twice it does not wait. Who asks a third time has it killed."""
        for _ in range(2):
            self.interrupt()
            try:
                return self._follow(shown)
            except KeyboardInterrupt:
                continue
        self._signal(signal.SIGKILL)
        return self._follow(shown)

    async def begun(self, patience: float) -> dict[str, Any] | None:
        """What the command tells of its run, as soon as it does; None if it ends without, or after so many seconds."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + patience
        try:
            with passed_on(self.interrupt):
                while self.told() is None and self.returncode is None and not self.timeout:
                    await asyncio.sleep(_PAUSE)
                    self.timeout = clock() > deadline
        except BaseException:
            self.interrupt()  # nobody will know of the run
            raise
        return self.told()

    async def wait(self, timeout: float | None = None, stream: str | None = None) -> None:
        """Wait for the end; with `stream`, print what comes there. After `timeout` seconds the run is ended."""
        try:
            await asyncio.wait_for(self._ended(stream), timeout)
        except asyncio.TimeoutError:
            self.timeout = True
            await self.end()

    async def _ended(self, stream: str | None) -> None:
        with passed_on(self.interrupt):
            if stream is not None:
                await self.emit_logs(stream)
            while self.returncode is None:
                await asyncio.sleep(_PAUSE)

    async def stream_log(self, stream: str, position: int | None = None) -> AsyncIterator[tuple[int, str]]:
        """Each line with the position behind it, as it is printed, until the end."""
        file, at = Path(self._log(stream)), position or 0
        while True:
            ended = self.returncode is not None
            found = next_line(file, at, whole=not ended)
            if found is not None:
                at = found[0]
                yield found
            elif ended:
                return
            else:
                with passed_on(self.interrupt):
                    await asyncio.sleep(_PAUSE)

    async def emit_logs(self, stream: str = "stdout", custom_logger: Callable[..., None] = print) -> None:
        async for _, line in self.stream_log(stream):
            custom_logger(line)

    # Before its end

    def interrupt(self) -> None:
        """What Ctrl-C is: the run ends in order."""
        self._signal(signal.SIGINT)

    def kill(self, termination_timeout: float = _IN_ORDER) -> None:
        """Let the run end in order, and no longer wait for it than so many seconds."""
        self._signal(signal.SIGTERM)
        try:
            self.process.wait(termination_timeout)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self.process.wait()

    async def end(self) -> None:
        """`kill`, without holding up what else goes on."""
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._ended(None), _IN_ORDER)
        except asyncio.TimeoutError:
            self._signal(signal.SIGKILL)
            await self._ended(None)

    def _signal(self, number: signal.Signals) -> None:
        if self.returncode is not None:
            return
        if number == signal.SIGKILL:  # the processes of `--engine process` are in its group
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def cleanup(self) -> None:
        """Remove what it printed. A run that goes on does so."""
        self._removal()

    def _log(self, stream: str) -> str:
        if stream not in self.log_files:
            raise UnknownArgument(f"a command prints to no `{stream}`", "there is `stdout` and `stderr`")
        return self.log_files[stream]
