"""`gc` knows everything that runs refer to: after it nothing is gone that anybody reads, whatever kind of flow it was.

The flows are those that are compared with Metaflow's, run by the command, in processes, one after the other in one
store. The store is looked at before and after with everything that reads it.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerflow.buckets.opening import open_store
from dockerflow.cards import get_cards
from dockerflow.cli.app import carry_out
from dockerflow.client import Flow, Metaflow, Run, default_namespace, namespace
from dockerflow.config import load_config
from dockerflow.housekeeping.choosing import Wanted
from dockerflow.housekeeping.collect import collect
from dockerflow.housekeeping.verify import verify
from dockerflow.store.base import Store
from dockerflow.store.directory import DirectoryStore
from tests.differential.case import BANK, Case
from tests.object_servers import Bucket
from tests.unit.cli.commands import dockerflow as command

# One of each kind of thing that a run may refer to, or of what may be missing.
FLOWS = [
    "big_text", "cards", "catch_after_crash", "client_objects", "config_parser", "fails_after_retries",
    "foreach_three_levels", "gang_retry", "include_file_kinds", "merge", "recursion_in_foreach", "resume_failed",
]  # fmt: skip

# Of a bucket those that bring something there in another way.
IN_A_BUCKET = ["cards", "catch_after_crash", "include_file_kinds", "resume_failed"]


@pytest.fixture(params=["directory", "minio"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store that the commands find by the environment, and of which everyone sees all runs."""
    named = str(tmp_path / ".dockerflow")
    if request.param == "minio":
        bucket: Bucket = request.getfixturevalue("minio_bucket")
        named = f"s3://{bucket.name}/of/team"
        monkeypatch.setenv("DOCKERFLOW_S3_ENDPOINT", bucket.server.endpoint)
        monkeypatch.setenv("DOCKERFLOW_S3_ACCESS_KEY", bucket.server.access_key)
        monkeypatch.setenv("DOCKERFLOW_S3_SECRET_KEY", bucket.server.secret_key)
    else:
        Path(named).mkdir()
    monkeypatch.setenv("DOCKERFLOW_STORE", named)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    namespace(None)
    yield open_store(named, load_config())
    default_namespace()


def run_all(name: str, folder: Path) -> None:
    """All commands of a case, as the comments at the top of its file say."""
    case = Case(name, (BANK / f"{name}.py").read_text(encoding="utf-8"))
    file = case.write(folder / name, case.text)
    for words in case.commands:
        asked = [words[0], file.name, *case.given, "--engine", "process", *words[1:]]
        answer = command(*asked, cwd=file.parent, **case.variables)
        assert answer.code in (0, 1), shlex.join(words) + answer.stderr


def everything(store: Store, said: pytest.CaptureFixture[str]) -> dict[str, object]:
    """What the client, `dump` and `logs` tell of all runs. Raises whatever is gone."""
    return {run.pathspec: _of_run(run, said) for flow in Metaflow(store=store) for run in flow}


def _values_of(run: Run, said: pytest.CaptureFixture[str]) -> list[object]:
    about, _, values, cards, _ = _of_run(run, said)
    return [about, values, cards]


def _of_run(run: Run, said: pytest.CaptureFixture[str]) -> list[object]:
    assert run.code is not None
    tasks = [task for step in run for task in step]
    told = [carry_out(words) for words in (["dump", run.pathspec, "--private"], ["logs", run.pathspec])]
    assert told == [0, 0]
    return [
        (run.status, sorted(run.tags), run.code.flowspec, sorted(run.code.tarball.getnames())),
        [(task.pathspec, task.stdout, task.stderr, str(task.exception), task.metadata_dict) for task in tasks],
        [(each.pathspec, each.sha, _shown(each.data)) for task in tasks for each in task],
        [card.get() for task in tasks for card in get_cards(task)],
        said.readouterr(),
    ]


def _shown(value: object) -> str:
    return type(value).__name__ if " object at " in repr(value) else repr(value)


def test_nothing_that_anybody_reads_is_gone(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flows = FLOWS if isinstance(store, DirectoryStore) else IN_A_BUCKET
    for name in flows:
        run_all(name, tmp_path)
    rubbish = store.blobs.put([os.urandom(100)])
    before = everything(store, capsys)
    assert len(before) > len(flows)
    done = collect(store, Wanted(), grace=-60)
    assert (done.amount.blobs, store.blobs.has(rubbish)) == (1, False)
    assert everything(store, capsys) == before
    assert verify(store).faults == ()


def test_a_run_that_was_resumed_is_whole_without_the_run_that_it_resumed(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has taken over results of the other: their blobs are its own, too. What was printed then is the other's alone,
    and told as nothing when that is gone."""
    flow = tmp_path / "flow.py"
    flow.write_text(RESUMED)
    assert command("run", "--engine", "process", "flow.py", cwd=tmp_path).code == 1
    assert command("resume", "--engine", "process", "flow.py", cwd=tmp_path, LIGHT="green").code == 0
    new, old = Flow("Resumed", store=store)
    before = _values_of(new, capsys)
    collected = command("gc", old.pathspec, "--grace", "0", "--delete")
    assert collected.code == 0, collected.stderr
    assert [run.id for run in Flow("Resumed", store=store)] == [new.id]
    assert _values_of(new, capsys) == before
    again = command("resume", "--engine", "process", "flow.py", cwd=tmp_path, LIGHT="green")
    assert again.code == 0, again.stderr
    assert verify(store).faults == ()


RESUMED = """
import os
from dockerflow import FlowSpec, Parameter, step

class Resumed(FlowSpec):
    table = Parameter("table", default="t" * 200_000)

    @step
    def start(self):
        self.large = os.urandom(200_000)
        print("printed")
        self.next(self.end)

    @step
    def end(self):
        assert os.environ.get("LIGHT") == "green"

if __name__ == "__main__":
    Resumed()
"""
