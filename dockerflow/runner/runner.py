"""`Runner`: the commands `run` and `resume` for a flow's file, called from Python."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from dockerflow.client.run import Run
from dockerflow.runner.command import Command
from dockerflow.runner.errors import NoFlow, NotStarted
from dockerflow.runner.executing import ExecutingRun
from dockerflow.runner.words import PROGRAM, checked_options, command_line

__all__ = ["Runner"]

# Of what a command has printed before it ended without a run, so much is told.
_LONGEST = 2000

_ERROR = re.compile(r"^error: (.*?)(?:\n\nhint: (.*?))?\s*\Z", re.MULTILINE | re.DOTALL)


class Runner:
    """Runs the flow of a file: `Runner("flow.py").run(alpha=0.5, max_workers=4)`.

    `show_output` shows what the command prints while `run` and `resume` wait for it. `env` are variables of the
    environment beside those of this process, `cwd` is the folder to start in. After `file_read_timeout` seconds without
    a run `async_run` gives up. `profile` is Metaflow's and says nothing here. All other arguments are options of the
    command, for every run that is started.

    In a `with`, its end removes what the commands have printed, as `cleanup` does; runs go on.
    """

    def __init__(
        self,
        flow_file: str | os.PathLike[str],
        show_output: bool = True,
        profile: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        file_read_timeout: float = 3600,
        **kwargs: Any,
    ) -> None:
        """Raises NoFlow and UnknownArgument."""
        self.flow_file = os.path.abspath(os.fspath(flow_file))
        if not os.path.isfile(self.flow_file):
            raise NoFlow(f"there is no flow file `{flow_file}`", f"this looks in `{os.getcwd()}`")
        checked_options("run", kwargs)
        self.show_output, self.file_read_timeout = show_output, file_read_timeout
        self.env_vars = _environment(env or {}, profile)
        self.cwd = os.fspath(cwd) if cwd is not None else os.getcwd()
        self.top_level_kwargs = kwargs
        self._commands: list[Command] = []

    # Waiting for the end

    def run(self, **kwargs: Any) -> ExecutingRun:
        """Run the flow to its end. The arguments are options of `dockerflow run` and parameters of the flow.

        A run that fails is returned as well. Raises UnknownArgument and UnusableValue before anything is started, and
        NotStarted if the command ends before there is a run, with the reason. KeyboardInterrupt ends the run first.
        """
        return self._to_the_end("run", kwargs)

    def resume(self, **kwargs: Any) -> ExecutingRun:
        """The same for `dockerflow resume`: `origin_run_id`, `step_to_rerun`, and its other options."""
        return self._to_the_end("resume", kwargs)

    # Not waiting

    async def async_run(self, **kwargs: Any) -> ExecutingRun:
        """Start the flow, and return as soon as there is a run. Raises what `run` raises."""
        return await self._begun("run", kwargs)

    async def async_resume(self, **kwargs: Any) -> ExecutingRun:
        return await self._begun("resume", kwargs)

    # Afterwards

    def cleanup(self) -> None:
        """Remove what the commands have printed."""
        for command in self._commands:
            command.cleanup()

    def __enter__(self) -> Runner:
        return self

    async def __aenter__(self) -> Runner:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.cleanup()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.cleanup()

    def __repr__(self) -> str:
        return f"Runner({self.flow_file!r})"

    def _to_the_end(self, name: str, given: Mapping[str, Any]) -> ExecutingRun:
        command = self._start(name, given)
        command.sync_wait(self.show_output)
        return self._executing(command, command.told())

    async def _begun(self, name: str, given: Mapping[str, Any]) -> ExecutingRun:
        command = self._start(name, given)
        told = await command.begun(self.file_read_timeout)
        if told is None and command.returncode is None:
            await command.end()
        return self._executing(command, told)

    def _start(self, name: str, given: Mapping[str, Any]) -> Command:
        top = self.top_level_kwargs if name == "run" else _of_both(self.top_level_kwargs)
        words = command_line(name, self.flow_file, top, given, self._asked)
        command = Command(PROGRAM, words, self.env_vars, self.cwd)
        self._commands.append(command)
        return command

    def _asked(self, words: list[str]) -> subprocess.CompletedProcess[str]:
        """A command that is over at once, and what it prints."""
        options: Any = {"env": self.env_vars, "cwd": self.cwd, "stdin": subprocess.DEVNULL, "encoding": "utf-8"}
        return subprocess.run([*PROGRAM, *words], capture_output=True, check=False, **options)

    def _executing(self, command: Command, told: Mapping[str, Any] | None) -> ExecutingRun:
        if told is None:
            raise _not_started(command, self.file_read_timeout)
        run = Run(f"{told['flow_name']}/{told['run_id']}", store=told["store"], _namespace_check=False)
        return ExecutingRun(self, command, run)


def _of_both(given: Mapping[str, Any]) -> dict[str, Any]:
    """Options of `run` that a resumed run has from its origin are left out."""
    return {name: value for name, value in given.items() if name not in ("config", "config_value", "namespace")}


def _environment(given: Mapping[str, str], profile: str | None) -> dict[str, str]:
    """A notebook's own variables are none of the run's: there is no notebook to draw in, and none to belong to."""
    found = {name: text for name, text in os.environ.items() if name != "JPY_PARENT_PID"}
    if found.get("MPLBACKEND", "").startswith("module://"):
        del found["MPLBACKEND"]
    return {**found, **given, **({"METAFLOW_PROFILE": profile} if profile else {})}


def _not_started(command: Command, patience: float) -> NotStarted:
    if command.timeout:
        return NotStarted(f"there was no run after {patience:g} seconds, and the command was ended")
    stderr = command.output("stderr").strip()
    said = _ERROR.search(stderr)
    if said is not None:
        return NotStarted(said[1], said[2])
    printed = "\n".join(filter(None, [command.output("stdout").strip(), stderr]))[-_LONGEST:]
    return NotStarted(f"the command ended with exit code {command.returncode} and without a run:\n{printed}")
