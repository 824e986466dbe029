"""A flow that imports from `metaflow` is run by `dockerflow run`, though a real Metaflow is installed here.

Steps run in this Python: what a container lacks, they could take from it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.commands import Answer, dockerflow

FLOW = '''
from metaflow import FlowSpec, Parameter, step
import helper


def where(context):
    import metaflow
    return f"{metaflow.FlowSpec.__module__} for {context.parameter_name}"


class Theirs(FlowSpec):
    asked = Parameter("asked", default=where)

    @step
    def start(self):
        """In the command, in a neighbour, and in a step."""
        import metaflow
        from metaflow.client import Flow
        print("default", self.asked)
        print("neighbour", helper.kind())
        print("step", metaflow.__version__, Flow.__module__.partition(".")[0])
        self.next(self.end)

    @step
    def end(self):
        helper.use()


if __name__ == "__main__":
    Theirs()
'''
HELPER = """
def kind():
    from metaflow import current
    return type(current).__module__.partition(".")[0]


def use():
    from metaflow import S3
"""


@pytest.fixture
def ran(tmp_path: Path) -> Answer:
    (tmp_path / ".dockerflow").mkdir()
    (tmp_path / "theirs.py").write_text(FLOW)
    (tmp_path / "helper.py").write_text(HELPER)
    return dockerflow("run", "theirs.py", "--engine", "process", cwd=tmp_path)


def test_real_metaflow_is_used_nowhere(ran: Answer) -> None:
    assert "default dockerflow.flow.spec for asked" in ran.stdout
    assert "neighbour dockerflow" in ran.stdout
    assert "step 2.19.0 dockerflow" in ran.stdout


def test_name_that_is_not_there_fails_the_step_with_its_line(ran: Answer) -> None:
    assert ran.code == 1
    assert "end/2 failed: helper.py:8: `metaflow.S3` is not in dockerflow" in ran.stderr
    assert "hint: keep the value as an artifact" in ran.stderr
