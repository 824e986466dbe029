"""The decorators of a whole flow as values: its project, and those that mean nothing here.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import re
from typing import Any, List, Optional, Sequence, Tuple

from dockerflow.flow.decorators import Written
from dockerflow.flow.definition import AskedProject
from dockerflow.flow.options import Report, expected, options_of, true_or_false

__all__ = ["NAME", "OF_FLOWS", "SEVERAL", "is_name", "project_of_flow", "without_meaning"]

IGNORED = (
    "schedule",
    "trigger",
    "trigger_on_finish",
    "exit_hook",
    "airflow_external_task_sensor",
    "airflow_s3_key_sensor",
)
OF_FLOWS = ("project", *IGNORED)

# A flow may have several of these.
SEVERAL = ("exit_hook", "airflow_external_task_sensor", "airflow_s3_key_sensor")

LONGEST_NAME = 128
NAME = f"lower-case letters, digits and `_`, {LONGEST_NAME} at most"
_NAME = re.compile(rf"[a-z0-9_]{{1,{LONGEST_NAME}}}")


def is_name(name: Any) -> bool:
    """Whether a project or a branch can have this name."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def project_of_flow(written: Sequence[Written], report: Report) -> Optional[AskedProject]:
    """What `@project` says; of several classes that have one, the last one's."""
    found = [each for each in written if each.name == "project"]
    if not found:
        return None
    last = found[-1]
    options = options_of(last, report)
    name, branch = options.get("name"), options.get("branch")
    if name is None and not last.arguments:
        report.add(last.file, last.line, "`@project` names no project", 'write `@project(name="movies")`')
    elif name is not None and not is_name(name):
        expected(last, "name", NAME, name, report)
        name = None
    if branch is not None and not is_name(branch):
        expected(last, "branch", NAME, branch, report)
        branch = None
    production = true_or_false(last, options, "production", report)
    return None if name is None else AskedProject(name, branch, production, last.file, last.line)


def without_meaning(written: Sequence[Written], report: Report) -> Tuple[str, ...]:
    """The names of decorators that are taken and ignored, each once; wrong options of theirs are reported."""
    found: List[str] = []
    for each in written:
        if each.name in IGNORED:
            options_of(each, report)
            found.append(each.name)
    return tuple(dict.fromkeys(found))
