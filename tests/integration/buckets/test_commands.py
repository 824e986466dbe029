"""The commands and the client on a store in a bucket, as they are typed and as a notebook has them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import dockerflow
from dockerflow.buckets.opening import open_bucket
from dockerflow.buckets.spool import spool_folder
from dockerflow.cli.places import bucket_named
from dockerflow.client import stores
from dockerflow.client.errors import NoStore
from dockerflow.config import Config, load_config
from dockerflow.setup.storage import look_at_store
from dockerflow.store import runs
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import Unreachable
from tests.object_servers import Bucket, running
from tests.unit.cli.commands import dockerflow as command

FLOW = """
from dockerflow import FlowSpec, step


class Tiny(FlowSpec):
    @step
    def start(self):
        self.numbers = [1, 2, 3]
        self.next(self.end)

    @step
    def end(self):
        print("the sum is", sum(self.numbers))
"""


@pytest.fixture
def project(object_bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose settings name a bucket and a file of credentials, with a flow in it; we are there."""
    server = object_bucket.server
    keys = tmp_path / "keys"
    keys.write_text(f"[team]\naws_access_key_id={server.access_key}\naws_secret_access_key={server.secret_key}\n")
    keys.chmod(0o600)
    folder = tmp_path / "project"
    (folder / ".dockerflow").mkdir(parents=True)
    (folder / ".dockerflow" / "config.yaml").write_text(
        f"store: s3://{object_bucket.name}/of/project\ns3_endpoint: {server.endpoint}\n"
        f"s3_credentials: ../keys\ns3_profile: team\nstore_patience: 20\n"
    )
    (folder / "flow.py").write_text(FLOW)
    monkeypatch.setenv("DOCKERFLOW_USER", "ada")  # as the commands have it
    monkeypatch.chdir(folder)
    return folder


def test_a_notebook_finds_what_was_run_in_the_same_folder(project: Path, object_bucket: Bucket) -> None:
    """The run, its artifacts, its logs, by the commands and by the client, with nothing named."""
    name = f"s3://{object_bucket.name}/of/project"
    ran = command("run", "--engine", "process", "flow.py")
    assert (ran.code, ran.stderr) == (0, "")
    assert f"store:     {name}" in ran.stdout
    assert "DOCKERFLOW_STORE" not in ran.stdout  # nothing has to be named to find it again

    run = dockerflow.Flow("Tiny").latest_run
    assert run is not None
    assert run.data.numbers == [1, 2, 3]
    assert run["end"].task.stdout == "the sum is 6\n"
    assert dockerflow.get_metadata() == name
    assert f"Tiny/{run.id}" in command("runs", "list").stdout
    assert "the sum is 6" in command("logs", f"Tiny/{run.id}/end").stdout
    assert "numbers" in command("dump", f"Tiny/{run.id}/start").stdout
    assert sorted(os.listdir(".dockerflow")) == ["config.yaml"]
    look = look_at_store(load_config(), project)
    assert (look.state, look.text.split()[0]) == ("ok", name)


def test_who_reads_is_told_what_waits_for_the_bucket_until_it_is_delivered(
    project: Path, object_bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line: without it a run that ended without its server would seem to go on."""
    assert command("run", "--engine", "process", "flow.py").code == 0
    store = open_bucket(f"s3://{object_bucket.name}/of/project", load_config())
    assert command("runs", "list").stderr == ""
    spool = DirectoryStore(spool_folder(store))
    sha256 = spool.blobs.put([b"what was computed"])
    note = (
        f"what a run could not bring to `{store.name}` waits in `{spool.root}`: `dockerflow resume`, or the next "
        "command that writes there, delivers it\n"
    )
    run = f"Tiny/{runs.run_ids(store, 'Tiny')[0]}"
    for words in (("runs", "list"), ("logs", run), ("dump", run)):
        assert command(*words).stderr == f"note: {note}"
    stores.metadata(store.name)
    assert dockerflow.Flow("Tiny").latest_run is not None
    assert dockerflow.Run(run).successful
    assert capsys.readouterr().err == f"dockerflow: {note}"
    delivered = command("resume", "flow.py", "--engine", "process")
    assert "note: " not in delivered.stderr
    assert "brought to the store what waited for it on this machine: 1 blob" in delivered.stderr
    assert store.blobs.has(sha256)
    assert command("runs", "list").stderr == ""


def test_who_delivers_what_waits_is_not_told_before_that_it_waits(project: Path, object_bucket: Bucket) -> None:
    assert command("run", "--engine", "process", "flow.py").code == 0
    store = open_bucket(f"s3://{object_bucket.name}/of/project", load_config())
    DirectoryStore(spool_folder(store)).blobs.put([b"what was computed"])
    said = command("gc", "--delete").stderr
    assert said.startswith("brought to the store what waited for it on this machine: 1 blob")


def test_who_waits_for_a_server_in_the_middle_of_a_command_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Otherwise the command seems to hang, for as long as `store_patience` says."""
    with running("minio", tmp_path / "data") as server:
        monkeypatch.setenv("DOCKERFLOW_S3_ACCESS_KEY", server.access_key)
        monkeypatch.setenv("DOCKERFLOW_S3_SECRET_KEY", server.secret_key)
        store = bucket_named(f"s3://{server.bucket()}", Config(s3_endpoint=server.endpoint, store_patience=6))
        server.kill()
        with pytest.raises(Unreachable):
            store.get("runs/x")
        away = f"the store `{store.name}` does not answer, it is asked again for 6 s: Connection refused\n"
        assert capsys.readouterr().err == away
        server.start()
        assert store.get("runs/x") is None
        assert capsys.readouterr().err == f"the store `{store.name}` answers again\n"


def test_another_store_can_be_named_and_named_back(project: Path, object_bucket: Bucket, tmp_path: Path) -> None:
    other = f"s3://{object_bucket.name}/other"
    ran = command("run", "--engine", "process", "--store", f"{other}/", "flow.py")
    assert ran.code == 0, ran.stderr
    assert f"--store {other}" in ran.stdout
    assert dockerflow.Flow("Tiny", store=other).latest_run is not None

    assert dockerflow.metadata(other) == other
    assert dockerflow.metadata(dockerflow.get_metadata()) == other
    assert dockerflow.Flow("Tiny").latest_run is not None
    assert dockerflow.default_metadata() == f"s3://{object_bucket.name}/of/project"
    with pytest.raises(NoStore, match="names no store that can be read here"):
        dockerflow.metadata("service@http://example.org")
    assert stores.open_store(str(tmp_path)).name == str(tmp_path)


@pytest.mark.parametrize("words", [("runs", "list"), ("run", "flow.py"), ("lock", "flow.py")])
def test_credentials_in_the_settings_are_refused_and_not_shown(words: tuple[str, ...], project: Path) -> None:
    path = project / ".dockerflow" / "config.yaml"
    for line in ("s3_secret_key: hushed-1", "s3_endpoint: http://me:hushed-1@host", "store: s3://me:hushed-1@bucket"):
        path.write_text(f"{line}\n")
        refused = command(*words)
        assert refused.code == 9
        assert "hushed-1" not in refused.stdout + refused.stderr
        assert "config.yaml:1" in refused.stderr
        assert "DOCKERFLOW_S3_SECRET_KEY" in refused.stderr


def test_a_bucket_that_is_not_there_is_an_answer_and_no_traceback(project: Path) -> None:
    told = command("runs", "list", "--store", "s3://never-made")
    assert (told.code, told.stdout) == (7, "")
    assert told.stderr.startswith("error: there is no bucket `never-made` on the S3 server")
    look = look_at_store(load_config(), project)
    assert look.state == "ok"
