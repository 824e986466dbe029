"""What a join with many inputs asks a bucket's server for."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.flow.loading import load
from dockerflow.runtime.messages import Input, RunTask, TaskResult
from dockerflow.runtime.task import run_task
from dockerflow.runtime.task_blobs import TaskBlobs
from dockerflow.store import manifest
from dockerflow.store.s3_store import S3Store
from tests.integration.store.test_requests import Counting
from tests.object_servers import Bucket

WIDTH = 200

FLOW = """
from dockerflow import FlowSpec, step

class Wide(FlowSpec):
    @step
    def start(self):
        self.xs = [1]
        self.next(self.work, foreach="xs")

    @step
    def work(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.z = {what}
        self.next(self.end)

    @step
    def end(self):
        pass
"""


class Join:
    def __init__(self, bucket: Bucket, folder: Path) -> None:
        self.bucket, self.folder = bucket, folder
        blobs = S3Store(Counting(bucket), folder).blobs
        self.parameters = manifest.write(blobs, {}, {})
        manifests = [manifest.write(blobs, {"y": number}, {}, "work") for number in range(WIDTH)]
        self.inputs = tuple(Input("work", str(number), sha256) for number, sha256 in enumerate(manifests))

    def run(self, what: str) -> tuple[TaskResult, Counting]:
        """The result, and what a server was asked for that nobody has asked before."""
        file = self.folder / "flow.py"
        file.write_text(FLOW.format(what=what))
        loaded, objects = load(file), Counting(self.bucket)
        request = RunTask("Wide", "1", "join", "j", 0, True, self.parameters, self.inputs)
        return run_task(
            loaded.cls, loaded.flow, request, TaskBlobs(S3Store(objects, self.folder).blobs, self.folder)
        ), objects


@pytest.fixture
def join(minio_bucket: Bucket, tmp_path: Path) -> Join:
    return Join(minio_bucket, tmp_path)


def test_inputs_that_are_not_touched_cost_no_request(join: Join) -> None:
    result, objects = join.run("(len(inputs), inputs[150].y)")
    assert result.failure is None, result.failure
    assert objects.asked == {"get": 3}  # the parameters, the first input for its constants, and that one


def test_inputs_one_after_the_other_are_read_several_at_a_time(join: Join) -> None:
    result, objects = join.run("sum(i.y for i in inputs)")
    assert result.failure is None, result.failure
    assert objects.asked == {"get": WIDTH + 1}
    assert objects.alone == 2  # the parameters, and the first input for its constants
