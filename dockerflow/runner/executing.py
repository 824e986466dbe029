"""A run that `Runner` has started: its process, what that prints, and the run itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import TracebackType
from typing import TYPE_CHECKING

from dockerflow.client.run import Run
from dockerflow.runner.command import Command

if TYPE_CHECKING:
    from dockerflow.runner.runner import Runner


class ExecutingRun:
    """`run` is the `Run` that the client has, `command_obj` the process. In a `with`, its end removes what the process
    has printed; the run stays where runs are."""

    def __init__(self, runner: Runner, command_obj: Command, run_obj: Run) -> None:
        self.runner, self.command_obj, self.run = runner, command_obj, run_obj

    def __enter__(self) -> ExecutingRun:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.runner.cleanup()

    async def wait(self, timeout: float | None = None, stream: str | None = None) -> ExecutingRun:
        """Wait for the end; with `stream`, `stdout` or `stderr`, print what comes there. After `timeout` seconds the
        run is ended, and `status` is `timeout`. Ctrl-C meanwhile ends the run; a cancellation does not."""
        await self.command_obj.wait(timeout, stream)
        return self

    @property
    def returncode(self) -> int | None:
        """The exit code of the command, see `docs/running.md`; None while the run goes on."""
        return self.command_obj.returncode

    @property
    def status(self) -> str:
        """`running`, `successful`, `failed`, or `timeout`: ended because `wait` had waited long enough."""
        if self.command_obj.timeout:
            return "timeout"
        if self.returncode is None:
            return "running"
        return "failed" if self.returncode else "successful"

    @property
    def stdout(self) -> str:
        """What the command has printed by now. Raises NoOutput after `cleanup`."""
        return self.command_obj.output("stdout")

    @property
    def stderr(self) -> str:
        return self.command_obj.output("stderr")

    async def stream_log(self, stream: str, position: int | None = None) -> AsyncIterator[tuple[int, str]]:
        """Each line of `stdout` or `stderr` as it comes, with the position behind it, where another call goes on."""
        async for found in self.command_obj.stream_log(stream, position):
            yield found

    def __repr__(self) -> str:
        return f"<ExecutingRun {self.run.pathspec}: {self.status}>"

    def _repr_html_(self) -> str:
        return self.run._repr_html_()
