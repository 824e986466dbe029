"""A notebook as a user has it, with a real kernel: its cells show what runs are, and run flows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

CELLS = {
    "in a cell": """
%config InlineBackend.figure_formats = ["svg"]
from dockerflow import FlowSpec, NBRunner, Parameter, step

class Films(FlowSpec):
    alpha = Parameter("alpha", default=1)

    @step
    def start(self):
        import pandas
        self.films = pandas.DataFrame({"film": ["Alien", "<script>"], "gross": [1, 2]})
        print("hello from the cell")
        self.x = self.alpha + 1
        self.next(self.end)

    @step
    def end(self):
        pass

run = NBRunner(Films, engine="process").nbrun(alpha=4)
run
""",
    "its value": "run.data.x",
    "its task": "run['start'].task",
    "a table": "run['start'].task['films']",
    "its flow": "from dockerflow import Flow\nFlow('Films')",
    "not waited for": """
from dockerflow import Runner
running = await Runner("other.py", engine="process").async_run()
await running.wait()
running
""",
    "a mistake": "Runner('other.py', engine='process').run(alpha=1)",
    "not there": "run['no']",
}

OTHER = """
from dockerflow import FlowSpec, step

class Other(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass
"""


@pytest.fixture
def cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Each cell's outputs, after all were run in the folder of the notebook."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.delenv("DOCKERFLOW_STORE", raising=False)
    (tmp_path / "other.py").write_text(OTHER)
    sources = [nbformat.v4.new_code_cell(text.strip()) for text in CELLS.values()]
    notebook = nbformat.v4.new_notebook(cells=sources)
    client = nbclient.NotebookClient(
        notebook, timeout=120, allow_errors=True, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    return {name: cell.outputs for name, cell in zip(CELLS, notebook.cells, strict=True)}


def html(outputs: Any) -> str:
    [shown] = [output.data for output in outputs if output.output_type == "execute_result"]
    return str(shown["text/html"])


def test_a_notebook_shows_and_runs_flows(cells: dict[str, Any], tmp_path: Path) -> None:
    first = cells["in a cell"]
    printed = "".join(output.text for output in first if output.output_type == "stream")
    assert "hello from the cell" in printed
    assert "<svg" in html(first)
    assert "start: succeeded" in html(first)
    assert cells["its value"][0].data["text/plain"] == "5"
    assert "pandas.DataFrame" in html(cells["its task"])
    assert "<td>&lt;script&gt;</td>" in html(cells["a table"])
    assert "1 run" in html(cells["its flow"])
    assert "Other/" in html(cells["not waited for"])
    [mistake] = cells["a mistake"]
    assert (mistake.ename, "`alpha` is no option" in mistake.evalue) == ("UnknownArgument", True)
    assert "there is no step `no`" in cells["not there"][0].evalue
    assert sorted(file.name for file in tmp_path.glob("*.py")) == ["other.py"]
