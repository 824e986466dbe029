"""What a join with many inputs asks a bucket's server for."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.runtime.messages import TaskResult
from dockerflow.runtime.task_blobs import TaskBlobs
from dockerflow.store.s3_store import S3Store
from tests.integration.store.test_requests import Counting
from tests.object_servers import Bucket
from tests.unit.runtime.wide_joins import WideJoin

WIDTH = 200


class Join(WideJoin):
    """With blobs in a bucket."""

    def __init__(self, bucket: Bucket, folder: Path) -> None:
        super().__init__(folder, S3Store(Counting(bucket), folder).blobs, WIDTH)
        self.bucket = bucket

    def asking(self, what: str) -> tuple[TaskResult, Counting]:
        """The result of a join that computes this, and what a server was asked for that nobody has asked before."""
        objects = Counting(self.bucket)
        return self.run(TaskBlobs(S3Store(objects, self.folder).blobs, self.folder), f"self.z = {what}"), objects


@pytest.fixture
def join(minio_bucket: Bucket, tmp_path: Path) -> Join:
    return Join(minio_bucket, tmp_path)


def test_inputs_that_are_not_touched_cost_no_request(join: Join) -> None:
    result, objects = join.asking("(len(inputs), inputs[150].y)")
    assert result.failure is None, result.failure
    assert objects.asked == {"get": 3}  # the parameters, the first input for its constants, and that one


def test_inputs_one_after_the_other_are_read_several_at_a_time(join: Join) -> None:
    result, objects = join.asking("sum(i.y for i in inputs)")
    assert result.failure is None, result.failure
    assert objects.asked == {"get": WIDTH + 1}
    assert objects.alone == 2  # the parameters, and the first input for its constants
