"""`NBRunner`: the flow of a notebook's cell, run as a file of its own."""

from __future__ import annotations

import ast
import importlib
import os
import tempfile
from collections.abc import Mapping
from typing import Any

from dockerflow.client.run import Run
from dockerflow.runner.errors import NoFlow, RunnerError
from dockerflow.runner.executing import ExecutingRun
from dockerflow.runner.runner import Runner

__all__ = ["NBRunner"]


class NBRunner:
    """Stands in the last line of the cell that has the flow's class: `NBRunner(MyFlow).nbrun(alpha=0.5)`.

    The cell up to the end of the class is written to a file in `base_dir`, so what the flow needs has to stand in this
    cell. The other arguments are those of `Runner`. `nbrun` and `nbresume` remove the file; after the others, `cleanup`
    does.
    """

    def __init__(
        self,
        flow: type,
        show_output: bool = True,
        profile: str | None = None,
        env: Mapping[str, str] | None = None,
        base_dir: str | os.PathLike[str] | None = None,
        file_read_timeout: float = 3600,
        **kwargs: Any,
    ) -> None:
        """Raises RunnerError where there is no notebook, and NoFlow where the cell has no such class."""
        self.flow, self.cell = flow, _cell()
        self.base_dir = os.fspath(base_dir) if base_dir is not None else os.getcwd()
        text = flow_file(self.cell, flow.__name__)
        number, self._file = tempfile.mkstemp(".py", f"{flow.__name__}_", self.base_dir)
        with open(number, "w", encoding="utf-8") as file:
            file.write(text)
        try:
            self.runner = Runner(self._file, show_output, profile, env, self.base_dir, file_read_timeout, **kwargs)
        except BaseException:
            os.unlink(self._file)
            raise

    def nbrun(self, **kwargs: Any) -> Run:
        """Run the flow to its end, as `Runner.run`; the run itself."""
        try:
            return self.runner.run(**kwargs).run
        finally:
            self.cleanup()

    def nbresume(self, **kwargs: Any) -> Run:
        try:
            return self.runner.resume(**kwargs).run
        finally:
            self.cleanup()

    def run(self, **kwargs: Any) -> ExecutingRun:
        return self.runner.run(**kwargs)

    def resume(self, **kwargs: Any) -> ExecutingRun:
        return self.runner.resume(**kwargs)

    async def async_run(self, **kwargs: Any) -> ExecutingRun:
        return await self.runner.async_run(**kwargs)

    async def async_resume(self, **kwargs: Any) -> ExecutingRun:
        return await self.runner.async_resume(**kwargs)

    def cleanup(self) -> None:
        """Remove the file, and what the commands have printed."""
        self.runner.cleanup()
        if os.path.exists(self._file):
            os.unlink(self._file)


def flow_file(cell: str, name: str) -> str:
    """A cell up to the end of a class, as a file that has this flow. Raises NoFlow.

    What only a notebook understands, `%time` and `!ls`, is an empty line there: lines keep their numbers.
    """
    lines = ["" if line.lstrip().startswith(("%", "!")) else line for line in cell.splitlines()]
    try:
        body = ast.parse("\n".join(lines)).body
    except SyntaxError as error:
        raise NoFlow(f"the cell with `{name}` is not Python: {error.msg} in line {error.lineno}") from error
    found = [node for node in body if isinstance(node, ast.ClassDef) and node.name == name]
    if not found:
        hint = "write the class, with what it imports, into the cell that runs it"
        raise NoFlow(f"the cell has no class `{name}`", hint)
    head = lines[: found[-1].end_lineno]
    return "\n".join([*head, "", 'if __name__ == "__main__":', f"    {name}()", ""])


def _cell() -> str:
    """The cell that is being run."""
    try:
        shell = importlib.import_module("IPython").get_ipython()
    except ModuleNotFoundError:
        shell = None
    if shell is None:
        hint = "in a program, write the flow into a file and use `Runner(file)`"
        raise RunnerError("`NBRunner` is for notebooks, and this is none", hint)
    return str(shell.history_manager.input_hist_raw[-1])
