"""The state of the git repository that a flow's file is in, for the run's record.

The user's own `git` is asked, since it alone knows all forms of repositories, and only for what is on this disk: it
never asks for a password, fetches nothing and changes nothing, not even the index, which another `git` may be about to
write. Whatever it refuses (no repository, one that belongs to somebody else, see `safe.directory`) is no state.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from dockerflow import credentials
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.records import GitState

__all__ = ["LIMIT", "of_folder"]

# Seconds that all questions together may take. A run that is ready waits for the answers for as long at most.
LIMIT = 2.0

# With these in its environment, as in a hook of git's, it would tell of another repository than the folder's.
_OTHER_REPOSITORY = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
)

# The store makes this file in its folder: a project does not become dirty by being run.
_OURS = ":(top,exclude,glob)**/.dockerflow/.gitignore"


def of_folder(folder: Path, limit: float = LIMIT) -> GitState | None:
    """None where there is no repository, no `git`, or no answer in time. Raises nothing."""
    git = _Git(folder, time.monotonic() + limit)
    try:
        return _state(git)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _state(git: _Git) -> GitState | None:
    code, commit = git.ask("rev-parse", "--quiet", "--verify", "HEAD")
    if code not in (0, 1):  # 1: there is no commit yet
        return None
    _, branch = git.ask("symbolic-ref", "--quiet", "--short", "HEAD")
    _, remote = git.ask("config", "--get", "remote.origin.url")
    return GitState(commit, branch, _dirty(git), _without_password(remote))


def _dirty(git: _Git) -> bool | None:
    try:
        code, changes = git.ask("status", "--porcelain", "--untracked-files=normal", "--", ":(top)", _OURS)
    except subprocess.TimeoutExpired:
        return None
    return bool(changes) if code == 0 else None


@dataclass(frozen=True)
class _Git:
    folder: Path
    deadline: float  # by the monotonic clock

    def ask(self, *words: str) -> tuple[int, str]:
        """The exit code and what was printed. Raises OSError and SubprocessError."""
        done = subprocess.run(
            ["git", "-c", "core.fsmonitor=false", *words],
            cwd=self.folder,
            env=dict(_environment()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=max(0.0, self.deadline - time.monotonic()),
        )
        return done.returncode, done.stdout.decode(errors="replace").rstrip("\n")


def _environment() -> Iterator[tuple[str, str]]:
    yield from ((name, value) for name, value in os.environ.items() if name not in _OTHER_REPOSITORY)
    yield "GIT_OPTIONAL_LOCKS", "0"
    yield "GIT_TERMINAL_PROMPT", "0"
    yield "GIT_NO_LAZY_FETCH", "1"  # what a partial clone lacks
    yield "GIT_ALLOW_PROTOCOL", ""  # the same before git 2.44


def _without_password(remote: str) -> str:
    """A name stays where it is no secret: that of an account for ssh. Others may be a token. Empty for what is no URL."""
    try:
        parts = urlsplit(remote)
    except ValueError:
        return ""
    if parts.scheme not in ("ssh", "git+ssh", "ssh+git"):
        return credentials.without(remote)
    account, at, host = parts.netloc.rpartition("@")
    return urlunsplit((parts.scheme, f"{account.partition(':')[0]}{at}{host}", parts.path, "", ""))
