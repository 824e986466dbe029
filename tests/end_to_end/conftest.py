"""The command as a user runs it: another process, another folder, a channel and an engine that are real."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.engines.fixtures import base_archive
from tests.hosts.fixtures import hosts_config, lasting_remote_host, remote_host, users_ssh

__all__ = ["base_archive", "hosts_config", "lasting_remote_host", "remote_host", "users_ssh"]

Command = Callable[..., "subprocess.CompletedProcess[str]"]

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def variables(test_channel, shared_cache, docker_client) -> Mapping[str, str]:
    """The environment of a user whose channel is the tests' own."""
    return {**os.environ, "DOCKERFLOW_CHANNELS": test_channel.url, "DOCKERFLOW_CACHE_DIR": str(shared_cache)}


@pytest.fixture
def dockerflow(variables, tmp_path) -> Command:
    """Run `dockerflow` with these words in an empty folder; expects the exit code `code`."""

    def command(*words: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [Path(sys.executable).with_name("dockerflow"), *map(str, words)],
            cwd=tmp_path,
            env=variables,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return command


@pytest.fixture
def results(tmp_path, monkeypatch):
    """The client, reading the store that the commands of this test write."""
    monkeypatch.setenv("DOCKERFLOW_STORE", str(tmp_path / ".dockerflow"))
    import dockerflow  # noqa: PLC0415 - the store is found when a run is read

    return dockerflow
