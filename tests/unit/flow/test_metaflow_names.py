"""`metaflow` is dockerflow while one of our commands reads a flow, and itself again afterwards."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

import dockerflow
from dockerflow import cards
from dockerflow.flow.checks import check
from dockerflow.flow.errors import FlowFileError, NoSuchAttribute, NoSuchImport
from dockerflow.flow.loading import LoadedFlow, load
from dockerflow.flow.metaflow_names import VERSION, in_place_of_metaflow
from dockerflow.flow.spec import FlowSpec

STEPS = """
class F(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        {body}
"""


def loaded(folder: Path, header: str, body: str = "pass") -> LoadedFlow:
    path = folder / "theirs.py"
    path.write_text(header + STEPS.format(body=body))
    return load(path)


def test_flow_of_metaflow_is_read_as_ours(tmp_path: Path) -> None:
    flow = loaded(tmp_path, "from metaflow import FlowSpec, step, retry, current, Parameter\n")
    assert issubclass(flow.cls, FlowSpec)
    check(flow.flow)


def test_every_public_name_is_metaflows(tmp_path: Path) -> None:
    with in_place_of_metaflow():
        theirs = importlib.import_module("metaflow")
        assert all(getattr(theirs, name) is getattr(dockerflow, name) for name in dockerflow.__all__)


def test_names_of_metaflow_cards_are_those_of_our_cards() -> None:
    """Also `Artifact`, which in `metaflow` itself is the client's."""
    with in_place_of_metaflow():
        theirs = importlib.import_module("metaflow.cards")
        assert all(getattr(theirs, name) is getattr(cards, name) for name in cards.__all__)


@pytest.mark.parametrize(
    "line",
    [
        "import metaflow\nFlowSpec, step = metaflow.FlowSpec, metaflow.step",
        "import metaflow as mf\nFlowSpec, step = mf.FlowSpec, mf.step",
        "from metaflow import *",
        "from metaflow.flowspec import FlowSpec\nfrom metaflow.decorators import step",
        "import metaflow.flowspec\nfrom metaflow import step\nFlowSpec = metaflow.flowspec.FlowSpec",
        "from metaflow.exception import MetaflowException\nfrom metaflow import FlowSpec, step",
        "from metaflow.client import Flow, Run\nfrom metaflow import FlowSpec, step",
        "from metaflow.metaflow_current import current\nfrom metaflow.parameters import Parameter\n"
        "from metaflow import FlowSpec, step",
    ],
)
def test_every_way_to_import_is_understood(tmp_path: Path, line: str) -> None:
    assert loaded(tmp_path, f"{line}\n").flow.name == "F"


def test_version_is_that_of_a_metaflow(tmp_path: Path) -> None:
    flow = loaded(tmp_path, "import metaflow\nfrom metaflow import *\nSEEN = metaflow.__version__\n")
    assert sys.modules[flow.cls.__module__].SEEN == VERSION  # type: ignore[attr-defined]
    assert VERSION.startswith("2.19.")


def test_neighbours_import_it_as_well(tmp_path: Path) -> None:
    (tmp_path / "a_neighbour.py").write_text("from metaflow import current\n")
    assert loaded(tmp_path, "import a_neighbour\nfrom metaflow import FlowSpec, step\n").flow.imports == ()


def test_name_that_is_not_there_is_named_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NoSuchImport) as caught:
        loaded(tmp_path, "import os\nfrom metaflow import FlowSpec, step, S3\n")
    assert caught.value.message == "theirs.py:2: `metaflow.S3` is not in dockerflow"
    assert "as an artifact" in str(caught.value.hint)


@pytest.mark.parametrize(
    "line", ["import metaflow.datastore", "from metaflow.datastore.flow_datastore import FlowDataStore"]
)
def test_submodule_that_is_not_there_is_named_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NoSuchImport, match=r"^theirs.py:2: `metaflow.datastore` is not in dockerflow\n"):
        loaded(tmp_path, f"from metaflow import FlowSpec, step\n{line}\n")


def test_attribute_that_is_not_there_is_named_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NoSuchAttribute, match=r"^theirs.py:2: `metaflow.profile` is not in dockerflow\n"):
        loaded(tmp_path, "import metaflow\nwith metaflow.profile('x'): pass\n")


def test_misspelt_name_is_told_what_is_near(tmp_path: Path) -> None:
    with pytest.raises(NoSuchImport) as caught:
        loaded(tmp_path, "from metaflow import FlowSpec, stepp\n")
    assert caught.value.hint == "did you mean `step`?"


def test_flow_may_ask_for_a_name_that_is_not_there(tmp_path: Path) -> None:
    header = """
        import metaflow
        from metaflow import FlowSpec, step
        try:
            from metaflow import S3
        except ImportError:
            S3 = None
        assert not hasattr(metaflow, "Deployer")
    """
    flow = loaded(tmp_path, dedent(header), "from metaflow import Flow")
    assert flow.flow.problems == ()


def test_name_that_a_step_lacks_is_a_problem_of_the_flow(tmp_path: Path) -> None:
    flow = loaded(tmp_path, "import metaflow\nfrom metaflow import FlowSpec, step\n", "from metaflow import S3, Run")
    (problem,) = flow.flow.problems
    assert (problem.line, problem.message) == (11, "`metaflow.S3` is not in dockerflow")


def test_what_a_step_may_do_without_is_no_problem(tmp_path: Path) -> None:
    body = "try:\n            from metaflow import S3\n        except ImportError:\n            pass"
    assert loaded(tmp_path, "from metaflow import FlowSpec, step\n", body).flow.problems == ()


def test_real_metaflow_is_back_after_loading(tmp_path: Path) -> None:
    """In a process of its own, with the real one imported before and after."""
    (tmp_path / "theirs.py").write_text("from metaflow import FlowSpec, step\n" + STEPS.format(body="pass"))
    program = """
        import sys
        import metaflow
        from dockerflow.flow.loading import load
        finders, modules = list(sys.meta_path), {n: m for n, m in sys.modules.items() if n.startswith("metaflow")}
        load("theirs.py")
        assert sys.meta_path == finders
        assert {n: m for n, m in sys.modules.items() if n.startswith("metaflow")} == modules
        from metaflow import S3
        from metaflow.runner.deployer import Deployer
        assert metaflow.FlowSpec.__module__ == "metaflow.flowspec"
    """
    done = subprocess.run([sys.executable, "-c", dedent(program)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_nothing_is_left_where_there_was_none(tmp_path: Path) -> None:
    before = list(sys.meta_path)
    with pytest.raises(FlowFileError):
        loaded(tmp_path, "from metaflow import FlowSpec, step\nraise ValueError\n")
    assert sys.meta_path == before
    assert not any(type(module).__name__ == "_TheirModule" for module in sys.modules.values())
