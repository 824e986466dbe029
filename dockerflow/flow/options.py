"""The options of decorators as they were written: which ones there are, and what is reported of those that are wrong.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import difflib
import os
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from dockerflow.flow.decorators import Written
from dockerflow.flow.definition import Problem

__all__ = [
    "Options",
    "Report",
    "expected",
    "file_option",
    "not_negative",
    "number",
    "option_meant",
    "options_of",
    "positive",
    "positive_whole",
    "true_or_false",
    "whole",
]

_CONDA = ("libraries", "packages", "python", "channels", "file", "lock", "disabled")
_PYPI = ("packages", "python", "file", "extras", "disabled")

# Of Metaflow's decorators for other machines. Those that mean something here are in `elsewhere`.
_BATCH = (
    "cpu gpu memory image queue iam_role execution_role shared_memory max_swap swappiness inferentia trainium efa "
    "host_volumes efs_volumes use_tmpfs aws_batch_tags tmpfs_tempdir tmpfs_size tmpfs_path ephemeral_storage "
    "log_driver log_options executable privileged"
)
_KUBERNETES = (
    "cpu memory disk image image_pull_policy image_pull_secrets service_account secrets node_selector namespace gpu "
    "gpu_vendor tolerations labels annotations use_tmpfs tmpfs_tempdir tmpfs_size tmpfs_path persistent_volume_claims "
    "shared_memory port compute_pool executable hostname_resolution_timeout qos extended_resources security_context"
)
_SENSOR = "timeout poke_interval mode exponential_backoff pool soft_fail name description"
_CARD = "type id options timeout refresh_interval customize save_errors scope rank"

# What can be written in each decorator: all that Metaflow takes, and what only we have.
OPTIONS: Dict[str, Tuple[str, ...]] = {
    "conda": _CONDA,
    "conda_base": _CONDA,
    "pypi": _PYPI,
    "pypi_base": _PYPI,
    "retry": ("times", "minutes_between_retries"),
    "catch": ("var", "print_exception"),
    "resources": ("cpu", "memory", "gpu", "disk", "shared_memory"),
    "timeout": ("seconds", "minutes", "hours"),
    "isolation": ("level",),
    "environment": ("vars",),
    "secrets": ("sources", "role", "allow_override"),
    "cache": (),
    "card": tuple(_CARD.split()),
    "parallel": (),
    "pytorch_parallel": ("master_port",),
    "remote": ("host", "cpu", "memory", "gpu", "shared_memory"),
    "local": (),
    "batch": tuple(_BATCH.split()),
    "kubernetes": tuple(_KUBERNETES.split()),
    "project": ("name", "branch", "production"),
    "schedule": ("cron", "weekly", "daily", "hourly", "timezone"),
    "trigger": ("event", "events", "options"),
    "trigger_on_finish": ("flow", "flows", "options"),
    "exit_hook": ("on_success", "on_error", "options"),
    "airflow_external_task_sensor": tuple(
        f"{_SENSOR} external_dag_id external_task_ids allowed_states failed_states execution_delta "
        "check_existence".split()
    ),
    "airflow_s3_key_sensor": tuple(f"{_SENSOR} bucket_key bucket_name wildcard_match aws_conn_id verify".split()),
}

Options = Dict[str, Any]


class Report:
    """Collects the problems of one flow while it is read. `files`: whether the files that it names should be here."""

    def __init__(self, files: bool = False) -> None:
        self.problems: List[Problem] = []
        self.files = files

    def add(self, file: str, line: int, message: str, hint: Optional[str] = None) -> None:
        self.problems.append(Problem(file, line, message, hint))


def options_of(written: Written, report: Report) -> Options:
    """The known options, with unknown ones reported."""
    at = written.file, written.line
    known = OPTIONS[written.name]
    if written.arguments:
        hint = f"write `@{written.name}({known[0]}=...)`" if known else f"write `@{written.name}` alone"
        report.add(*at, f"`@{written.name}` is given a value without its option's name", hint)
    for name in written.options:
        if name not in known:
            report.add(*at, f"`@{written.name}` has no option `{name}`", option_meant(name, known))
    return {name: value for name, value in written.options.items() if name in known and value is not None}


def option_meant(name: str, known: Sequence[str]) -> str:
    """The hint for an option that is not `known`."""
    near = difflib.get_close_matches(name, known, 1)
    names = ", ".join(f"`{option}`" for option in known)
    return f"did you mean `{near[0]}`?" if near else f"it has {names}" if known else "it takes no options"


def expected(written: Written, name: str, what: str, found: Any, report: Report, hint: Optional[str] = None) -> None:
    text = repr(found)
    shown = text if len(text) <= 60 else text[:57] + "..."
    report.add(written.file, written.line, f"`{name}` of `@{written.name}` is `{shown}`; expected {what}", hint)


def true_or_false(written: Written, options: Options, name: str, report: Report) -> Optional[bool]:
    value = options.get(name)
    if value is None or isinstance(value, bool):
        return value
    expected(written, name, "True or False", value, report)
    return None


def number(
    written: Written, options: Options, name: str, what: str, holds: Callable[[float], bool], report: Report
) -> Optional[float]:
    """A number, perhaps written as text; `what` says which ones are expected, as `holds` tells them."""
    value = options.get(name)
    if value is None:
        return None
    try:
        found = float("nan") if isinstance(value, bool) else float(value)
        if found < float("inf") and holds(found):
            return found
    except (TypeError, ValueError):
        pass
    expected(written, name, what, value, report)
    return None


def whole(value: float) -> bool:
    return value >= 0 and value == int(value)


def not_negative(value: float) -> bool:
    return value >= 0


def positive(value: float) -> bool:
    return value > 0


def positive_whole(value: float) -> bool:
    return value > 0 and value == int(value)


def file_option(written: Written, options: Options, name: str, example: str, report: Report) -> Optional[str]:
    """The absolute path of the file that an option names; a relative one is seen from the file it is written in."""
    value = options.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        expected(written, name, f'the path of a file, like `"{example}"`', value, report)
        return None
    path = os.path.join(os.path.dirname(os.path.abspath(written.file)), os.path.expanduser(value.strip()))
    if report.files and not os.path.isfile(path):
        _no_file(written, name, value.strip(), path, report)
    return os.path.normpath(path)


def _no_file(written: Written, name: str, value: str, path: str, report: Report) -> None:
    folder = os.path.dirname(path)
    if os.path.isdir(path):
        what, hint = "is a folder", "name the file in it"
    else:
        what = "is not there"
        there = os.listdir(folder) if os.path.isdir(folder) else []
        near = difflib.get_close_matches(os.path.basename(path), sorted(there), 1, 0.75)
        hint = f"did you mean `{near[0]}`?" if near else f"it is looked for in `{folder}`"
    report.add(written.file, written.line, f"`{value}`, the `{name}` of `@{written.name}`, {what}", hint)
