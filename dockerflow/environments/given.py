"""A lock file that a user has already (`@conda(lock=…)`), of dockerflow, conda-lock, or another tool of its format."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from dockerflow.environments import lock_document, lock_file
from dockerflow.environments.errors import LockFileError, of_steps
from dockerflow.environments.lock import Lock
from dockerflow.environments.spec import GivenLock
from dockerflow.flow.errors import place

_ENVIRONMENT = re.compile(r"^[\"']?dependencies[\"']?\s*:", re.MULTILINE)
_LOCK = re.compile(r"^[\"']?(package|metadata)[\"']?\s*:", re.MULTILINE)


def read(given: GivenLock, steps: Sequence[str]) -> Lock:
    """Its lock for the platform. Where the file does not say what was asked for, that is what nothing else needs.

    Raises LockFileError: for a file that is not there or cannot be used, another platform, no Python, source archives.
    """
    whose = of_steps(steps)
    try:
        text = given.file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise LockFileError(
            f"the lock `{_named(given)}` of {whose} is not there",
            "a name in `@conda(lock=…)` begins at the flow's folder",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise LockFileError(
            f"the lock `{_named(given)}` of {whose} cannot be read: {error}", "name a text file that you may read"
        ) from error
    try:
        lock = lock_file.loads(text, _named(given), given.platform)
    except LockFileError as error:
        raise _not_ours_to_write(error, text) from error
    _require_python(lock, given, whose)
    _refuse_sources(lock, given, whose)
    if lock.requested:
        return lock
    from dockerflow.environments import fit  # noqa: PLC0415 - takes long to import

    return replace(lock, requested=fit.roots(lock.packages))


def _not_ours_to_write(error: LockFileError, text: str) -> LockFileError:
    """The same with what can be done about a file that `dockerflow lock` never writes."""
    if _ENVIRONMENT.search(text) and not _LOCK.search(text):
        return LockFileError(error.message, "this is an environment file: name it as `@conda(file=...)`")
    if error.hint != lock_document.HINT:
        return error
    return LockFileError(error.message, "restore the file, or make it again with the tool that wrote it")


def _require_python(lock: Lock, given: GivenLock, whose: str) -> None:
    if not any((package.manager, package.name) == ("conda", "python") for package in lock.packages):
        raise LockFileError(
            f"the lock `{_named(given)}` of {whose} has no `python` for {lock.platform}",
            "a step runs in its environment's own Python: add `python` to what the lock was made from",
        )


def _refuse_sources(lock: Lock, given: GivenLock, whose: str) -> None:
    for package in lock.packages:
        if package.manager == "pip" and not package.file_name.endswith(".whl"):
            raise LockFileError(
                f"in the lock `{_named(given)}` of {whose}, `{package.name} {package.version}` is"
                f" `{package.file_name}`: a source archive, which would have to be built",
                f"lock a version of `{package.name}` that has a wheel, or take it from conda",
            )


def _named(given: GivenLock) -> str:
    return place(str(given.file))
