"""Give a task its secrets: as variables of its own process, and as files in memory that are gone after it.

The worker's environment never has them, so neither has any other process of the container nor its `/proc/1/environ`.
The files lie in `/dev/shm`, which is memory; each is named like its variable, and `DOCKERFLOW_SECRETS` names their
folder. The worker removes it when the task has ended, however that was.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import Sequence

from dockerflow.flow.errors import StepError
from dockerflow.runtime.messages import Secret

__all__ = ["FOLDER", "deliver", "place", "remove", "sweep"]

# The variable that names the folder.
FOLDER = "DOCKERFLOW_SECRETS"

_MEMORY = "/dev/shm"
_PREFIX = "dockerflow-secrets-"


def place(work: str) -> str:
    """The folder for the secrets of the task that works in `work`; it is not made yet. For the worker."""
    root = _MEMORY if os.access(_MEMORY, os.W_OK | os.X_OK) else os.path.dirname(work)
    return os.path.join(root, f"{_PREFIX}{os.getpid()}-{os.path.basename(work)}")


def deliver(secrets: Sequence[Secret], override: bool) -> None:
    """In the task's process. Raises StepError where a variable is there already and may not be replaced."""
    if not secrets:
        return
    taken = [each.variable for each in secrets if os.environ.get(each.variable, each.value) != each.value]
    if taken and not override:
        names = ", ".join(f"`{name}`" for name in taken)
        hint = "give the secret another name, as `OTHER=env:NAME`, or write `@secrets(…, allow_override=True)`"
        raise StepError(f"a secret of this step would replace the variable {names}, which the task has already", hint)
    folder = os.environ.get(FOLDER)
    if folder is not None:
        os.mkdir(folder, 0o700)
    for each in secrets:
        os.environ[each.variable] = each.value
        if folder is not None:
            _write(os.path.join(folder, each.variable), each.value)


def remove(folder: str) -> None:
    if os.path.isdir(folder) and not os.path.islink(folder):
        import shutil  # noqa: PLC0415 - few tasks have secrets

        with suppress(OSError):
            os.chmod(folder, stat.S_IRWXU)  # a task may have taken from its own user the right to look into it
        shutil.rmtree(folder, ignore_errors=True)


def sweep() -> None:
    """Remove what workers of this user have left that were killed. Only where they share the memory with others."""
    names = os.listdir(_MEMORY) if os.path.isdir(_MEMORY) else []
    for name in names:
        worker = name[len(_PREFIX) :].partition("-")[0]
        if name.startswith(_PREFIX) and worker.isdigit() and not os.path.exists(f"/proc/{worker}"):
            remove(os.path.join(_MEMORY, name))


def _write(path: str, value: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(value)
