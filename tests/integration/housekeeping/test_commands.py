"""`store verify`, `store copy` and `store sizes` as they are typed, on what real runs have left."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

import dockerflow
from dockerflow.buckets.opening import open_store
from dockerflow.cli import services
from dockerflow.config import load_config
from dockerflow.store import history, uses
from dockerflow.store.directory import DirectoryStore
from tests.integration.store.kinds import overwrite
from tests.object_servers import Bucket
from tests.unit.cli.commands import Answer
from tests.unit.cli.commands import dockerflow as command

FLOW = """
import os

from dockerflow import FlowSpec, IncludeFile, Parameter, card, catch, current, retry, step
from dockerflow.cards import Markdown


class Films(FlowSpec):
    rate = Parameter("rate", default=0.5)
    words = IncludeFile("words", default="words.txt")

    @card
    @step
    def start(self):
        current.card.append(Markdown("# a card"))
        self.table = os.urandom(1 << 20)
        self.titles = ["Alien", "Brazil", "Casablanca"]
        self.next(self.each, foreach="titles")

    @catch(var="why")
    @step
    def each(self):
        print("now", self.input)
        self.title = self.input
        if self.input == "Brazil":
            raise ValueError("no")
        self.next(self.join)

    @step
    def join(self, inputs):
        self.merge_artifacts(inputs, include=["table"])
        self.good = [each.title for each in inputs if not each.why]
        self.next(self.end)

    @step
    def end(self):
        print("the rate is", self.rate)
        if os.environ.get("LIGHT") != "green":
            raise RuntimeError("the light is not green")
        self.found = len(self.words)
"""


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a flow and a store in it, that of a run that failed: for copies, not to be changed."""
    folder = tmp_path_factory.mktemp("failed")
    (folder / "flow.py").write_text(FLOW)
    (folder / "words.txt").write_text("some words")
    assert command("run", "--engine", "process", "flow.py", "--tag", "first", cwd=folder).code == 1
    return folder


@pytest.fixture
def project(failed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it; we are there."""
    folder = tmp_path / "project"
    shutil.copytree(failed, folder)
    monkeypatch.setenv("DOCKERFLOW_USER", "ada")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(params=["minio", "versitygw"])
def any_bucket(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store's name in a bucket of each server, which the settings name."""
    return named(request.getfixturevalue(f"{request.param}_bucket"), tmp_path, monkeypatch)


@pytest.fixture
def bucket(minio_bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return named(minio_bucket, tmp_path, monkeypatch)


def named(bucket: Bucket, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    server, keys = bucket.server, folder / "keys"
    keys.write_text(f"[default]\naws_access_key_id={server.access_key}\naws_secret_access_key={server.secret_key}\n")
    keys.chmod(0o600)
    monkeypatch.setenv("DOCKERFLOW_S3_ENDPOINT", server.endpoint)
    monkeypatch.setenv("DOCKERFLOW_S3_CREDENTIALS", str(keys))
    return f"s3://{bucket.name}/of/team"


def run_ids() -> list[str]:
    return [line["run"] for line in json.loads(command("runs", "list", "--json").stdout)]


def read(pathspec: str) -> list[object]:
    """All that commands and the client tell of a run."""
    run = dockerflow.Run(pathspec)
    tasks = [task for step in run for task in step]
    return [
        command("logs", pathspec).stdout,
        command("dump", pathspec, "--private").stdout,
        run.tags,
        [(task.pathspec, str(task.exception), task.stdout) for task in tasks],
        [[(artifact.id, artifact.sha, repr(artifact.data)[:200]) for artifact in task] for task in tasks],
        run["start"].task.data.table,
    ]


def test_a_copied_run_is_read_and_resumed_as_where_it_was_made(
    project: Path, any_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (made,), bucket = run_ids(), any_bucket
    told = read(made)
    copied = command("store", "copy", ".dockerflow", bucket)
    assert (copied.code, copied.stderr) == (0, "")
    assert copied.stdout.startswith(f"copied 1 run to `{bucket}`, sent ")

    monkeypatch.setenv("DOCKERFLOW_STORE", bucket)
    assert run_ids() == [made]
    assert read(made) == told
    resumed = command("resume", "--engine", "process", "flow.py", LIGHT="green")
    assert resumed.code == 0, resumed.stderr
    new = next(run for run in run_ids() if run != made)
    assert dockerflow.Run(new)["end"].task.data.found == len("some words")
    assert dockerflow.Run(new)["start"].task.origin_pathspec.startswith(made)
    told = read(new)

    back = command("store", "copy", bucket, "elsewhere/.dockerflow", new)
    assert (back.code, back.stderr) == (0, "")
    monkeypatch.setenv("DOCKERFLOW_STORE", str(project / "elsewhere" / ".dockerflow"))
    assert run_ids() == [new]
    assert read(new) == told
    again = command("resume", "--engine", "process", "flow.py", "join", LIGHT="green")
    assert again.code == 0, again.stderr
    assert len(run_ids()) == 2
    assert command("store", "verify").code == 0


def test_it_is_told_what_is_copied_and_what_is_not(project: Path, bucket: str) -> None:
    (made,) = run_ids()
    dry = command("store", "copy", ".dockerflow", bucket, "--dry-run")
    done = command("store", "copy", ".dockerflow", bucket)
    again = command("store", "copy", ".dockerflow", bucket, "--flow", "Films")
    assert (dry.code, done.code, again.code) == (0, 0, 0)
    assert dry.stdout == done.stdout.replace("copied", "would copy").replace("sent", "would send")
    assert again.stdout == f"copied 0 runs to `{bucket}`, sent 0 blobs (0 B); 1 run was there\n"
    assert not (project / "none").exists()

    store = DirectoryStore(project / ".dockerflow")
    for key in store.keys("runs/"):
        if "/journal/" in key:
            store.put(key, (store.get(key) or b"").replace(b'"user":"ada"', b'"user":"bob"'))
    refused = command("store", "copy", ".dockerflow", bucket, made)
    assert refused.code == 1
    assert refused.stderr.startswith(
        f"left out {made}: run `{made}` of `{store.name}` is another one than run `{made}`"
    )


MISTAKES = (
    (".dockerflow .dockerflow", "would be copied to itself"),
    ("../project/.dockerflow .dockerflow/", "would be copied to itself"),
    (". elsewhere", "`.` is not a store, it has one in it"),
    ("elsewhere .dockerflow", "there is no store at"),
    (".dockerflow elsewhere Books", "`Books`"),
    (".dockerflow elsewhere Films/17", "`17`"),
    (".dockerflow elsewhere Films/17/start", "names neither a flow nor a run"),
    (".dockerflow s3://no", "names no store in a bucket"),
)


def test_mistakes_are_told_and_nothing_is_copied(project: Path) -> None:
    for words, error in MISTAKES:
        answer = command("store", "copy", *words.split(), cwd=project)
        assert answer.code != 0
        assert answer.stderr.startswith("error: ")
        assert error in answer.stderr
    assert not list(project.glob("elsewhere/runs"))


def test_a_dry_run_makes_neither_a_folder_nor_a_bucket(project: Path, minio_bucket: Bucket, bucket: str) -> None:
    for target in ("new/.dockerflow", bucket.replace("/of/", "-new/")):
        answer = command("store", "copy", ".dockerflow", target, "--dry-run")
        assert (answer.code, answer.stderr) == (0, "")
        assert answer.stdout.startswith("would copy 1 run to ")
    assert not (project / "new").exists()
    assert [each.name for each in minio_bucket.server.client().list_buckets() if "-new" in each.name] == []


def test_the_source_may_be_on_a_server_of_its_own(project: Path, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its settings are those of a folder."""
    assert command("store", "copy", ".dockerflow", bucket).code == 0
    old = project / "old"
    (old / ".dockerflow").mkdir(parents=True)
    (old / ".dockerflow" / "config.yaml").write_text(
        "".join(f"{name}: {os.environ[f'DOCKERFLOW_{name.upper()}']}\n" for name in ("s3_endpoint", "s3_credentials"))
    )
    monkeypatch.delenv("DOCKERFLOW_S3_ENDPOINT")
    monkeypatch.delenv("DOCKERFLOW_S3_CREDENTIALS")
    answer = command("store", "copy", bucket, "elsewhere", "--source-settings", "old")
    assert (answer.code, answer.stderr) == (0, "")
    assert (project / "elsewhere" / "runs" / "Films").is_dir()


def test_verify_tells_what_a_fault_hurts_and_how_to_mend_it(project: Path, bucket: str) -> None:
    (made,) = run_ids()
    assert command("store", "copy", ".dockerflow", bucket).code == 0
    store = open_store(bucket, load_config())
    assert_right(command("store", "verify", "--store", bucket))

    found = uses.of_run(store, history.read(store, *made.split("/")))
    table = next(use for use in found if use.what == "artifact table")
    overwrite(store, table.blob, bytes(store.blobs.size(table.blob)))
    answer = command("store", "verify", "--store", bucket, made)
    assert (answer.code, answer.stderr) == (1, "")
    assert answer.lines[0].startswith(f"damaged: blob `{table.blob}` is damaged: `{bucket}/blobs/")
    assert answer.lines[1] == f"  artifact table of {table.pathspec}"
    assert "--delete-damaged" in answer.stdout
    assert re.search(r"^verified 1 run, \d+ blobs \(.*\) of `.*`: 1 fault found$", answer.lines[-1])

    told = json.loads(command("store", "verify", "--store", bucket, "--json", "--delete-damaged").stdout)
    (fault,) = told["faults"]
    assert (fault["kind"], fault["blob"], fault["runs"], fault["deleted"]) == ("damaged", table.blob, [made], True)
    assert {"pathspec": table.pathspec, "what": "artifact table"} in fault["uses"]
    gone = command("store", "verify", "--store", bucket)
    assert (gone.code, gone.lines[0].partition(":")[0]) == (1, "missing")
    assert command("store", "copy", ".dockerflow", bucket).stdout.endswith("sent 1 blob (1.0 MB); 1 run was there\n")
    assert_right(command("store", "verify", "--store", bucket))


def assert_right(answer: Answer) -> None:
    assert (answer.code, answer.stderr) == (0, "")
    assert answer.stdout.endswith(": all is as it was written\n")


def test_sizes_of_flows_of_runs_and_of_artifacts(project: Path) -> None:
    (made,) = run_ids()
    flows = command("store", "sizes")
    assert (flows.code, flows.stderr) == (0, "")
    assert [line.split()[0] for line in flows.lines] == ["flow", "Films", "no", "all"]
    of_flow = command("store", "sizes", "Films")
    assert of_flow.lines == command("store", "sizes", "--flow", "Films").lines
    assert [line.split()[0] for line in of_flow.lines] == ["run", made]
    of_run = command("store", "sizes", made)
    assert of_run.lines[:2] == of_flow.lines
    assert of_run.lines[4].split() == [f"{made}/start/1/table", "1.0", "MB", "bytes"]
    assert f"{made}/end/" not in command("store", "sizes", f"{made}/start/1").stdout
    told = json.loads(command("store", "sizes", made, "--json").stdout)
    room = told["runs"][made]
    assert room["free_without"] == room["own_size"] + room["objects"] == told["all"]["size"] + told["all"]["objects"]
    assert {artifact["pathspec"] for artifact in told["artifacts"]} >= {f"{made}/start/1/table"}


def test_the_runs_that_a_bucket_lacks_are_counted(project: Path, bucket: str) -> None:
    here = DirectoryStore(project / ".dockerflow")
    assert services.runs_missing(here, bucket) == 1
    assert command("store", "copy", ".dockerflow", bucket).code == 0
    assert services.runs_missing(here, bucket) == 0
    assert services.runs_missing(DirectoryStore(project / "empty"), bucket) == 0


def test_who_has_runs_in_a_folder_is_told_how_to_copy_them(
    project: Path, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    services.tell_of_runs_here()  # the bucket of `up` is not there
    told = capsys.readouterr().out.splitlines()
    assert told == [
        "",
        f"1 run of the store `{project / '.dockerflow'}` can be copied there:",
        "  dockerflow store copy .dockerflow s3://dockerflow",
    ]


def test_what_is_not_there_is_told(project: Path) -> None:
    for words in ("verify Books", "sizes Books", "sizes Films/17", "sizes a/b/c/d/e"):
        answer = command("store", *words.split(), cwd=project)
        assert answer.code != 0
        assert answer.stderr.startswith("error: ")
