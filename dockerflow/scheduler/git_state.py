"""The state of the git repository that a flow's file is in, for the run's record.

The user's own `git` is asked, since it alone knows all forms of repositories, and only for what is on this disk: it
never asks for a password, fetches nothing and changes nothing, not even the index, which another `git` may be about to
write. Whatever it refuses (no repository, one that belongs to somebody else, see `safe.directory`) is no state.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
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

_BRANCHES = "refs/heads/"

Answer = Callable[[], tuple[int, str]]

# The store makes this file in its folder: a project does not become dirty by being run.
_OURS = ":(top,exclude,glob)**/.dockerflow/.gitignore"


def of_folder(folder: Path, limit: float = LIMIT) -> GitState | None:
    """None where there is no repository, no `git`, or no answer in time. Raises nothing."""
    try:
        with ExitStack() as stack:
            return _state(_Git(folder, time.monotonic() + limit, stack))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _state(git: _Git) -> GitState | None:
    """All questions are asked at once: a run may be ready as soon as the first is answered."""
    head = git.ask("rev-parse", "HEAD", "--symbolic-full-name", "HEAD")
    remote = git.ask("config", "--get", "remote.origin.url")
    changes = git.ask("status", "--porcelain", "--untracked-files=normal", "--", ":(top)", _OURS)
    code, said = head()
    commit, _, branch = said.partition("\n")
    if code:  # there is no commit yet, or no repository
        commit = ""
        code, branch = git.ask("symbolic-ref", "HEAD")()
    if code:
        return None
    branch = branch.removeprefix(_BRANCHES) if branch.startswith(_BRANCHES) else ""
    address = _without_password(remote()[1])
    return GitState(commit, branch, _dirty(changes), address)  # what may take longest is waited for last


def _dirty(changes: Answer) -> bool | None:
    try:
        code, said = changes()
    except subprocess.TimeoutExpired:
        return None
    return bool(said) if code == 0 else None


@dataclass(frozen=True)
class _Git:
    folder: Path
    deadline: float  # by the monotonic clock
    stack: ExitStack  # ends what still runs

    def ask(self, *words: str) -> Answer:
        """What gives the exit code and what was printed, or raises TimeoutExpired. Raises OSError."""
        asked = subprocess.Popen(
            ["git", "-c", "core.fsmonitor=false", *words],
            cwd=self.folder,
            env=dict(_environment()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.stack.callback(_end, asked)

        def answer() -> tuple[int, str]:
            said, _ = asked.communicate(timeout=max(0.0, self.deadline - time.monotonic()))
            return asked.returncode, said.decode(errors="replace").rstrip("\n")

        return answer


def _end(asked: subprocess.Popen[bytes]) -> None:
    if asked.poll() is None:
        asked.kill()
    with asked:  # closes its pipe and waits for it
        pass


def _environment() -> Iterator[tuple[str, str]]:
    yield from ((name, value) for name, value in os.environ.items() if name not in _OTHER_REPOSITORY)
    yield "GIT_OPTIONAL_LOCKS", "0"
    yield "GIT_TERMINAL_PROMPT", "0"
    yield "GIT_NO_LAZY_FETCH", "1"  # what a partial clone lacks
    yield "GIT_ALLOW_PROTOCOL", ""  # the same before git 2.44


def _without_password(remote: str) -> str:
    """A name stays where it is no secret, as that of an account for ssh. Empty for what is no URL."""
    try:
        parts = urlsplit(remote)
    except ValueError:
        return ""
    if parts.scheme not in ("ssh", "git+ssh", "ssh+git"):
        return credentials.without(remote)
    account, at, host = parts.netloc.rpartition("@")
    return urlunsplit((parts.scheme, f"{account.partition(':')[0]}{at}{host}", parts.path, "", ""))
