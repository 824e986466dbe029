"""What a step hands over to the scheduler instead of writing it."""

from __future__ import annotations

import pytest

from dockerflow.store.base import hash_of

FLOW = """
import os
from pathlib import Path

from dockerflow import FlowSpec, step
from dockerflow.store.delivery import deliver


class Large(FlowSpec):
    @step
    def start(self):
        self.content = os.urandom(3 << 20)
        self.delivered = deliver(Path(os.environ["DOCKERFLOW_OUTBOX"]), [self.content])
        self.next(self.end)

    @step
    def end(self):
        self.same = self.content[:]
"""


@pytest.mark.parametrize("engine", ["docker", "process"])
def test_a_large_value_is_taken_by_the_scheduler_as_it_is(dockerflow, results, tmp_path, engine):
    (tmp_path / "flow.py").write_text(FLOW)
    dockerflow("run", "flow.py", "--engine", engine)
    results.namespace(None)
    data = results.Flow("Large").latest_run["start"].task.data
    assert data.delivered == hash_of([data.content])
    assert (tmp_path / ".dockerflow" / "blobs" / data.delivered[:2] / data.delivered).read_bytes() == data.content
    assert results.Flow("Large").latest_run["end"].task.data.same == data.content
