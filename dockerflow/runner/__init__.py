"""Run flows from Python: `Runner("flow.py").run(max_workers=4, alpha=0.5).run.data.x`.

    runner      Runner         starts the command for a file, and waits or does not
    notebook    NBRunner       the same for a flow that stands in a notebook's cell
    executing   ExecutingRun   what was started: the process, what it prints, and its run
    command     Command        the process itself: a session of its own, two files for its output
    output                     its output, shown as it comes
    ctrl_c                     Ctrl-C, while somebody waits for it
    words                      keyword arguments as words of a command line
    errors                     what can be wrong with them, and a command that ended without a run

Names and behaviour are those of Metaflow's runner. A run is a process beside this one, never a part of it: a notebook
that is restarted ends no run, and a flow cannot disturb the notebook. This is above the command, which knows nothing of
it but one option.
"""

from __future__ import annotations

from dockerflow.runner.errors import NotStarted, RunnerError, UnknownArgument, UnusableValue
from dockerflow.runner.executing import ExecutingRun
from dockerflow.runner.notebook import NBRunner
from dockerflow.runner.runner import Runner

__all__ = ["ExecutingRun", "NBRunner", "NotStarted", "Runner", "RunnerError", "UnknownArgument", "UnusableValue"]
