"""`images mirror` and the mistakes that can be made with it, `export` and `import`."""

from __future__ import annotations

import textwrap
from pathlib import Path

from tests.end_to_end.conftest import Command

FLOW = """
from dockerflow import FlowSpec, conda, step

class Kept(FlowSpec):
    @conda(libraries={"packaging": "23.2"}, python="3.11")
    @step
    def start(self):
        self.next(self.end)

    @conda(libraries={"packaging": "23.2"}, python="3.11")
    @step
    def end(self):
        pass
"""


def test_what_images_are_made_of_is_kept_once_until_it_is_forgotten(dockerflow: Command, tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_text(textwrap.dedent(FLOW))
    dockerflow("run", "flow.py", "--run-id-file", "run-id")
    run = f"Kept/{(tmp_path / 'run-id').read_text()}"
    assert "keeps 4 files" in dockerflow("images", "mirror", run).stdout
    assert "and had them before" in dockerflow("images", "mirror", "Kept").stdout
    dockerflow("gc", "--delete", "--grace", "0")
    assert dockerflow("store", "verify").stdout.endswith("all is as it was written\n")
    assert "no longer keeps 4 files" in dockerflow("images", "mirror", run, "--forget").stdout
    assert "was not mirrored" in dockerflow("images", "mirror", run, "--forget").stdout
    assert "removed: 4 blobs" in dockerflow("gc", "--delete", "--grace", "0").stdout


def test_a_run_without_images_has_nothing_to_mirror(dockerflow: Command, tmp_path: Path) -> None:
    text = "\n".join(line for line in FLOW.splitlines() if "@conda" not in line)
    (tmp_path / "flow.py").write_text(textwrap.dedent(text.replace("import FlowSpec, conda,", "import FlowSpec,")))
    dockerflow("run", "flow.py", "--engine", "process", "--run-id-file", "run-id")
    run = f"Kept/{(tmp_path / 'run-id').read_text()}"
    assert "its steps ran without images" in dockerflow("images", "mirror", run).stdout
    (tmp_path / "there.tar").write_text("mine")
    assert "is there already" in dockerflow("export", run, "there.tar", code=7).stderr
    assert "has no artifact `x`" in dockerflow("export", run, "b.tar", "--artifacts", "x", code=7).stderr
    assert "`Kept` names no run" in dockerflow("export", "Kept", "b.tar", code=2).stderr
    assert "no run `1` in flow `Kept`" in dockerflow("export", "Kept/1", "b.tar", code=8).stderr
    assert "is no bundle" in dockerflow("import", "there.tar", code=7).stderr
    assert "there is no file `none.tar`" in dockerflow("import", "none.tar", code=7).stderr
    dockerflow("export", run, "there.tar", "--force")
    assert f"run {run} was in" in dockerflow("import", "there.tar").stdout
    assert f"dockerflow rerun {run}" in dockerflow("import", "there.tar", "--store", tmp_path / "other").stdout
