"""Whoever belongs to a step reads its bucket: the import of the flow, programs that it starts, forked processes."""

from __future__ import annotations

from pathlib import Path

from tests.object_servers import Bucket
from tests.unit.cli.commands import dockerflow

EARLIER = """
from dockerflow import FlowSpec, step

class Earlier(FlowSpec):
    @step
    def start(self):
        self.small, self.large = "small", bytes(1 << 20)
        self.next(self.end)

    @step
    def end(self):
        pass
"""

READER = """
import multiprocessing, os, subprocess, sys
from dockerflow import Flow, FlowSpec, step

PROGRAM = "from dockerflow import Flow; print(Flow('Earlier').latest_run['start'].task.data.small)"

def by_a_program():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True).stdout

def length(number):
    return len(Flow("Earlier").latest_run["start"].task.data.large)

if "DOCKERFLOW_OUTBOX" in os.environ:
    AT_IMPORT = Flow("Earlier").latest_run["start"].task.data.small
    BY_A_PROGRAM = by_a_program()

class Reader(FlowSpec):
    @step
    def start(self):
        print("import:", AT_IMPORT, BY_A_PROGRAM.strip())
        print("step:", length(0), by_a_program().strip())
        with multiprocessing.get_context("fork").Pool(2) as pool:
            print("pool:", pool.map(length, range(4)))
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def test_everyone_in_a_step_reads_the_bucket(tmp_path: Path, object_bucket: Bucket) -> None:
    """Also while the flow is imported, before there is a task, and by processes that are forked with what they have."""
    settings = {
        "DOCKERFLOW_STORE": f"s3://{object_bucket.name}",
        **object_bucket.server.settings(),
    }
    (tmp_path / "earlier.py").write_text(EARLIER)
    (tmp_path / "reader.py").write_text(READER)
    assert dockerflow("run", "earlier.py", "--engine", "process", cwd=tmp_path, **settings).code == 0
    answer = dockerflow("run", "reader.py", "--engine", "process", cwd=tmp_path, **settings)
    assert (answer.code, answer.stderr) == (0, "")
    for line in ("import: small small", "step: 1048576 small", "pool: [1048576, 1048576, 1048576, 1048576]"):
        assert line in answer.stdout
