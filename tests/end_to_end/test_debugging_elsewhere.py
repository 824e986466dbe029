"""Sessions on engines of other machines, and in images of the user's own."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests import own_images
from tests.integration.engines.conftest import image as whole  # noqa: F401 - a fixture
from tests.terminals import Terminal

NAME = "dockerflow-test/debugged:1"

FLOW = """
from dockerflow import FlowSpec, image, step

class Broken(FlowSpec):
    @step
    def start(self):
        self.numbers = [1, 2]
        self.next(self.end)

    #@image("dockerflow-test/debugged:1")
    @step
    def end(self):
        self.item = self.numbers[5]
"""

PROGRAM = Path(sys.executable).with_name("dockerflow")


def looked_into(words, cwd, variables) -> str:
    at = Terminal([PROGRAM, "debug", *words], cwd, variables)
    try:
        at.expect("IndexError: list index out of range")
        at.expect("-> self.item = self.numbers[5]")
        at.expect("(Pdb) ")
        at.line("p sum(self.numbers), __import__('os').getuid()")
        assert re.search(r"\(3, [1-9]\d*\)", at.expect("(Pdb) ")), at.shown
        at.line("again")
        at.expect("IndexError: list index out of range")
        at.expect("(Pdb) ")
        at.line("q")
        at.expect(">>> ")
        at.line("exit(4)")
        assert (at.end(), at.settings()) == (4, at.before), at.shown
        return at.shown
    finally:
        at.close()


@pytest.mark.parametrize(("kind", "how"), [("moby v2", "tls"), ("podman", "ssh")])
def test_a_session_on_another_machine(
    kind, how, remote_host, hosts_config, minio_bucket, use_bucket, dockerflow, variables, tmp_path, monkeypatch
):
    use_bucket(minio_bucket, "debugging")
    for name in [name for name in os.environ if name.startswith("DOCKERFLOW_") or name == "PATH"]:
        monkeypatch.setitem(variables, name, os.environ[name])
    host = remote_host(kind, how).reaching(minio_bucket.server)
    host = replace(host, settings=replace(host.settings, name="remote"))
    hosts_config(host)
    (tmp_path / "broken.py").write_text(FLOW)
    run = re.search(r"Broken/\d+", dockerflow("run", "broken.py", code=1).stdout).group()
    shown = looked_into([run, "--host", "remote"], tmp_path, variables)
    assert "copied to the host `remote`: edits here do not get there" in shown
    assert host.client.api.containers(all=True, filters={"label": "dockerflow.debug"}) == []
    refused = dockerflow("debug", run, "--host", "remote", "--notebook", code=6)
    assert "a browser here does not reach" in refused.stderr


def test_a_session_in_an_image_of_ones_own(docker_client, whole, dockerflow, variables: Mapping, tmp_path):  # noqa: F811
    """It has an entry point, a user and closed folders, to which a session must be indifferent."""
    identity = own_images.build(docker_client, NAME, own_images.STUBBORN)
    try:
        (tmp_path / "broken.py").write_text(FLOW.replace("#@", "@"))
        run = re.search(r"Broken/\d+", dockerflow("run", "broken.py", code=1).stdout).group()
        looked_into([run], tmp_path, variables)
        shown = dockerflow("debug", run, "--shell", code=0)
        assert "a shell in the task's folder" in shown.stdout
    finally:
        docker_client.images.remove(identity, force=True)
    gone = dockerflow("debug", run, code=5)
    assert f"the image `{NAME}` of step `{run}/end` is gone: the engine has none with the ID {identity}" in gone.stderr
