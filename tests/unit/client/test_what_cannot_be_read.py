"""A value that is lost, or that this Python cannot make, says whose it is and what to do."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from dockerflow.artifacts.errors import CannotDecode
from dockerflow.client import ClientError, Run, writers
from dockerflow.in_image.errors import InImageError
from dockerflow.in_image.session import look
from dockerflow.in_image.values import Question
from dockerflow.store import manifest, runs
from dockerflow.store.base import REMOVE_DAMAGED
from dockerflow.store.directory import DirectoryStore, create
from dockerflow.store.errors import DamagedBlob, MissingBlob
from dockerflow.store.records import AttemptFinished, TaskCreated
from tests.unit.client.runs_by_hand import FLOW, RunByHand, successful_run


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DirectoryStore:
    monkeypatch.setenv("DOCKERFLOW_STORE", str(create(tmp_path).root))
    monkeypatch.setenv("DOCKERFLOW_USER", "anna")
    return create(tmp_path)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module `toolbox`, here until it is taken away."""
    module = ModuleType("toolbox")
    exec("class Model: pass", vars(module))
    monkeypatch.setitem(sys.modules, "toolbox", module)
    return module


def passed_on(store: DirectoryStore, value: object) -> Run:
    """A run whose step `start` made `x`, which `each` and `join` passed on."""
    run = RunByHand(store, runs.new_run_id(store, FLOW))
    refs: dict[str, manifest.ArtifactRef] = {}
    for step, task_id, inputs in (("start", "1", ()), ("each", "2", ("1",)), ("join", "3", ("2",))):
        run.journal.append(TaskCreated(run.tick(), step, task_id, inputs))
        own = {"x": value} if step == "start" else {step: 1}
        sha256 = manifest.write(store.blobs, own, refs, step)
        refs = dict(manifest.read(store.blobs, sha256).artifacts)
        run.journal.append(AttemptFinished(run.tick(), step, task_id, 0, ok=True, final=True, manifest=sha256))
    run.finish()
    return Run(f"{FLOW}/{run.run_id}")


def test_what_this_python_lacks_is_told_with_the_step_whose_image_has_it(
    store: DirectoryStore, library: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = passed_on(store, library.Model())["join"].task["x"]
    monkeypatch.delitem(sys.modules, "toolbox")
    with pytest.raises(CannotDecode) as raised:
        _ = artifact.data
    assert raised.value.message.startswith(
        "this Python cannot load artifact `x`, a `toolbox.Model`: ModuleNotFoundError: No module named 'toolbox'\n"
        "step `start` wrote it with python "
    )
    assert "`dockerflow dump --in-image`, reads it in the image of step `start`, which wrote it" in raised.value.hint


def test_a_lost_blob_is_told_with_the_artifact_and_the_runs_that_use_it(store: DirectoryStore) -> None:
    first, second = (passed_on(store, bytes(1 << 17)) for _ in range(2))
    artifact = second["join"].task["x"]
    store.blobs.delete([artifact._ref.blob])
    with pytest.raises(MissingBlob) as raised:
        _ = artifact.data
    assert raised.value.message.startswith(f"artifact `{artifact.pathspec}` cannot be read: blob `{artifact.sha}` is")
    assert f"used by `{second.pathspec}`, `{first.pathspec}`, and perhaps by others" in raised.value.hint
    assert f"`dockerflow store uses {artifact.sha}`" in raised.value.hint


def test_a_damaged_blob_is_told_likewise(store: DirectoryStore) -> None:
    artifact = passed_on(store, bytes(1 << 17))["join"].task["x"]
    path = Path(store.blobs.location(artifact._ref.blob))
    path.chmod(0o644)
    path.write_bytes(bytes(1 << 17))
    with pytest.raises(DamagedBlob, match="` cannot be read: blob `") as raised:
        _ = artifact.data
    assert raised.value.hint.endswith(f"lists all; {REMOVE_DAMAGED}")


def test_damaged_artifacts_of_a_task_must_go_before_they_can_come_back(store: DirectoryStore) -> None:
    """Whoever puts the same value again finds the damaged blob there and writes nothing."""
    task = passed_on(store, 1)["join"].task
    path = Path(store.blobs.location(str(task._ended.manifest)))
    path.chmod(0o644)
    path.write_bytes(b"something else")
    with pytest.raises(DamagedBlob) as raised:
        _ = task.data
    assert raised.value.hint.endswith(f"lists what uses it; {REMOVE_DAMAGED}")


def test_lost_artifacts_are_told_with_their_task(store: DirectoryStore) -> None:
    task = passed_on(store, 1)["join"].task
    manifest_blob = str(task._ended.manifest)
    store.blobs.delete([manifest_blob])
    with pytest.raises(MissingBlob) as raised:
        _ = task.data
    assert raised.value.message.startswith(f"the artifacts of task `{task.pathspec}` cannot be read: blob `")
    assert f"`dockerflow store uses {manifest_blob}`" in raised.value.hint


def test_the_writer_is_the_task_that_made_the_value_and_no_other(store: DirectoryStore) -> None:
    run = passed_on(store, 1)
    last = run["join"].task
    assert writers.writer_of(last, last._refs()["x"]) == run["start"].task
    assert writers.writer_of(last, last._refs()["each"]) == run["each"].task
    assert writers.writer_of(last, last._refs()["join"]) == last


def test_a_manifest_of_an_older_version_names_no_step_and_its_task_is_the_writer(store: DirectoryStore) -> None:
    task = Run(f"{FLOW}/{successful_run(store)}")["end"].task
    assert task["best"]._ref.step == ""
    assert writers.writer_of(task, task["best"]._ref) == task


def test_an_artifact_of_a_process_has_no_image_also_where_no_engine_answers(store: DirectoryStore) -> None:
    task = passed_on(store, 1)["join"].task
    ref = task._refs()["join"]
    with pytest.raises(InImageError, match="had no image: it ran in a process of its machine"):
        look(writers.place_of(task, ref), Question(ref))


def test_a_step_cannot_open_another_image(store: DirectoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers have the client without what opens images."""
    monkeypatch.setitem(sys.modules, "dockerflow.in_image.values", None)
    with pytest.raises(ClientError, match="cannot be opened in another image here"):
        passed_on(store, 1)["join"].task["x"].open_in_image()
