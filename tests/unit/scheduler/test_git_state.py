"""The state of a repository, as the user's own git tells it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from dockerflow.scheduler import git_state
from dockerflow.store.directory import create
from dockerflow.store.records import GitState


def git(folder: Path, *words: str) -> str:
    """What git prints."""
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def _somebody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Commits have an author, and no settings of this machine count."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "ada")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ada@example.org")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One with a commit on the branch `main`, and a flow in a folder of its own."""
    made = tmp_path / "repository"
    (made / "flows").mkdir(parents=True)
    (made / "flows" / "flow.py").write_text("print(1)\n")
    (made / ".gitignore").write_text("*.log\n")
    git(made, "init", "--quiet", "--initial-branch=main")
    git(made, "add", ".")
    git(made, "commit", "--quiet", "--message=first")
    return made


def state(folder: Path) -> GitState:
    found = git_state.of_folder(folder, limit=60)
    assert found is not None
    return found


def test_a_clean_repository_has_a_commit_and_a_branch(repository: Path) -> None:
    (repository / "a.log").write_text("ignored")
    assert state(repository / "flows") == GitState(git(repository, "rev-parse", "HEAD"), "main")


@pytest.mark.parametrize("name", ["flows/flow.py", "flows/new.py", "README"])
def test_a_file_that_is_changed_or_new_makes_it_dirty(repository: Path, name: str) -> None:
    (repository / name).write_text("print(2)\n")
    assert state(repository / "flows").dirty


def test_a_change_that_waits_for_its_commit_makes_it_dirty(repository: Path) -> None:
    (repository / "flows" / "flow.py").write_text("print(2)\n")
    git(repository, "add", ".")
    assert state(repository / "flows").dirty


def test_a_store_does_not_make_it_dirty(repository: Path) -> None:
    """A run that makes the first store would be the last with a clean record."""
    create(repository)
    create(repository / "flows")
    assert state(repository / "flows").dirty is False


def test_a_commit_that_is_checked_out_by_itself_has_no_branch(repository: Path) -> None:
    git(repository, "checkout", "--quiet", "--detach")
    assert state(repository) == GitState(git(repository, "rev-parse", "HEAD"))


def test_a_repository_without_a_commit_has_a_branch(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=trunk", "new")
    assert state(tmp_path / "new") == GitState("", "trunk")


def test_a_worktree_has_its_own_branch_and_changes(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    (repository / "flows" / "flow.py").write_text("print(2)\n")
    assert state(tmp_path / "side" / "flows") == GitState(git(repository, "rev-parse", "HEAD"), "side")


@pytest.mark.parametrize(
    ("remote", "recorded"),
    [
        ("https://host.example/team/flows.git", "https://host.example/team/flows.git"),
        ("https://ada:secret@host.example/flows.git", "https://host.example/flows.git"),
        ("https://secret@host.example/flows.git", "https://host.example/flows.git"),
        ("https://host.example/flows.git?token=secret", "https://host.example/flows.git"),
        ("ssh://git:secret@host.example:22/flows.git", "ssh://git@host.example:22/flows.git"),
        ("git@host.example:team/flows.git", "git@host.example:team/flows.git"),
        ("/srv/flows.git", "/srv/flows.git"),
        ("https://[secret@host", ""),
    ],
)
def test_a_remote_is_recorded_without_what_may_be_secret(repository: Path, remote: str, recorded: str) -> None:
    git(repository, "config", "remote.origin.url", remote)
    assert state(repository).remote == recorded


def test_what_git_refuses_is_no_state(tmp_path: Path) -> None:
    assert git_state.of_folder(tmp_path) is None
    assert git_state.of_folder(tmp_path / "nowhere") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a folder away takes root")
def test_a_repository_of_somebody_else_is_no_state(repository: Path) -> None:
    """As git has it: its settings could run programs of theirs (`safe.directory`)."""
    for each in (repository, *repository.rglob("*")):
        os.chown(each, 12345, 12345, follow_symlinks=False)
    assert git_state.of_folder(repository) is None


def test_without_git_there_is_no_state(repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_state.of_folder(repository) is None


def test_a_hook_of_another_repository_does_not_lead_astray(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    git(tmp_path, "init", "--quiet", "other")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    assert state(repository).branch == "main"


def test_nothing_is_written_to_the_repository(repository: Path) -> None:
    """Another git may be about to write its index."""
    index = repository / ".git" / "index"
    os.utime(repository / "flows" / "flow.py", (1, 1))  # what `git status` would note in the index
    before = index.read_bytes()
    assert state(repository).dirty is False
    assert index.read_bytes() == before


def test_what_takes_too_long_is_left_out(repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As the files of a repository that is too large, or on a disk that does not answer."""
    real = git(repository, "--exec-path") + "/git"
    slow = tmp_path / "git"
    slow.write_text(f'#!/bin/sh\ncase "$*" in *status*) exec sleep 100;; esac\nexec {real} "$@"\n')
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    found = git_state.of_folder(repository, limit=3)
    assert found == GitState(git(repository, "rev-parse", "HEAD"), "main", dirty=None)
