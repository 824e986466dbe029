"""What a step cannot read says which artifact it is, who wrote it with what, and what to do in this step."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dockerflow.artifacts import libraries
from dockerflow.flow.loading import LoadedFlow
from dockerflow.runtime.messages import Input, RunTask, TaskResult
from dockerflow.runtime.task import run_task
from dockerflow.store import manifest
from dockerflow.store.blobs import Blobs
from dockerflow.store.manifest import ArtifactRef
from dockerflow.store.records import Failure
from tests.unit.flow.sources import loaded

TEXT = """
        class F(FlowSpec):
            @step
            def start(self):
                import skimage
                self.model = skimage.Model()
                self.large = bytes(range(256)) * 8192
                self.next(self.middle)
            @step
            def middle(self):
                self.next(self.end)
            {decorator}
            @step
            def end(self):
                self.{name}
"""

LIBRARY = """
__version__ = "{version}"
class {name}: pass
"""


class Three:
    """Runs a flow of three steps; before the last one, which reads, something happens."""

    def __init__(self, folder: Path, reads: str, decorator: str = "") -> None:
        self.flow: LoadedFlow = loaded(folder, TEXT.format(name=reads, decorator=decorator))
        self.blobs = Blobs(folder / "blobs")
        self.parameters = manifest.write(self.blobs, {}, {})
        self.start = self._run("start", ())
        self.middle = self._run("middle", (self._input("start", self.start),))

    def failure(self) -> Failure:
        result = self._run("end", (self._input("middle", self.middle),))
        assert result.failure is not None
        assert result.failure.kind == "artifact"
        return result.failure

    def ref(self, name: str) -> ArtifactRef:
        return manifest.read(self.blobs, str(self.middle.manifest)).artifacts[name]

    def _run(self, step: str, inputs: tuple[Input, ...]) -> TaskResult:
        request = RunTask("F", "1", step, "1", 0, True, self.parameters, inputs)
        return run_task(self.flow.cls, self.flow.flow, request, Blobs(self.blobs.root))

    def _input(self, step: str, result: TaskResult) -> Input:
        assert result.manifest is not None, result.failure
        return Input(step, "1", result.manifest)


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    """Installs a library `skimage` of this version in place of the one before; None: none."""
    folder = tmp_path / "library"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def install(version: str | None, name: str = "Model") -> None:
        libraries._version.cache_clear()
        monkeypatch.delitem(sys.modules, "skimage", raising=False)
        (folder / "skimage.py").unlink(missing_ok=True)
        if version is not None:
            (folder / "skimage.py").write_text(LIBRARY.format(version=version, name=name))

    install("0.1.0")
    return install


@pytest.mark.parametrize(
    ("decorator", "hint"),
    [
        ("", "give step `end` what wrote it, `@conda(libraries={\"scikit-image\": \"0.1.0\"})`, or store plain values"),
        ("@pypi(packages={'requests': '2'})", "`@pypi(packages={\"scikit-image\": \"0.1.0\"})`"),
        ("@image('own')", "into the image of step `end` (`scikit-image` 0.1.0)"),
    ],
)  # fmt: skip
def test_a_library_that_is_not_here_is_named_with_who_wrote_and_how_to_have_it(
    decorator: str, hint: str, library: Callable[..., None], tmp_path: Path
) -> None:
    run = Three(tmp_path, "model", decorator)
    library(None)
    why = run.failure()
    python = sys.version.split()[0]
    assert why.message == (
        "step `end` cannot load artifact `model`, a `skimage.Model`: ModuleNotFoundError: No module named 'skimage'\n"
        f"step `start` wrote it with python {python}, skimage 0.1.0; step `end` has python {python}, no skimage"
    )
    assert hint in why.hint
    assert why.traceback.splitlines()[1].strip().endswith("in end")


def test_a_library_of_another_version_is_named_with_both(library: Callable[..., None], tmp_path: Path) -> None:
    run = Three(tmp_path, "model")
    library("0.2.0", "Other")
    why = run.failure()
    assert "has no attribute 'Model'" in why.message or "Can't get attribute 'Model'" in why.message
    assert ", skimage 0.1.0; step `end` has" in why.message
    assert why.message.endswith(", skimage 0.2.0")
    assert '"scikit-image": "0.1.0"' in why.hint


@pytest.mark.parametrize("name", ["model", "large"])
def test_a_missing_blob_is_told_with_its_artifact(name: str, library: Callable[..., None], tmp_path: Path) -> None:
    run = Three(tmp_path, name)
    blob = run.ref(name).blob
    run.blobs.delete([blob])
    why = run.failure()
    assert why.message.startswith(
        f"step `end` cannot read artifact `{name}`, which step `start` wrote: blob `{blob}` is not in `"
    )
    assert f"`dockerflow store uses {blob}` lists the runs that use it; `dockerflow resume` of a run" in why.hint


def test_missing_artifacts_of_an_input_are_told_with_its_task(library: Callable[..., None], tmp_path: Path) -> None:
    run = Three(tmp_path, "model")
    run.blobs.delete([str(run.middle.manifest)])
    assert "step `end` cannot read the artifacts of task `middle/1`: blob `" in run.failure().message


def test_a_damaged_blob_is_told_from_a_library_that_cannot_read(library: Callable[..., None], tmp_path: Path) -> None:
    """A blob of this size is not checked when it is read: that it is damaged is seen when it does not load."""
    run = Three(tmp_path, "large")
    path = run.blobs.path(run.ref("large").blob)
    path.chmod(0o644)
    with path.open("r+b") as stream:
        stream.seek(24)  # where the pickle begins
        stream.write(b"\xff" * 20)
    why = run.failure()
    assert "cannot read artifact `large`, which step `start` wrote: blob `" in why.message
    assert "is damaged" in why.message
