"""Tasks with interpreters of their own, in a store that is a bucket: what a forked task does, they do.

With the server that lends credentials for steps, and with the one where the scheduler signs each request of theirs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.object_servers import Bucket, UseBucket

LARGE = 3 << 20  # goes to the bucket by itself
MEDIUM = 300 << 10  # too large for the task's result

FLOW = """
import os
from dockerflow import Flow, FlowSpec, Run, Task, catch, conda_base, current, isolation, retry, step, timeout
{imported}

# At the import there is no task yet, and the store is there.
RUNS = [run.id for run in Flow("Fresh")] if "DOCKERFLOW_OUTBOX" in os.environ else []
PROCESS = os.getpid()

@conda_base(python="3.11")
class Fresh(FlowSpec):
    {isolation}
    @step
    def start(self):
        self.alone = PROCESS == os.getpid()
        self.seen_at_import = current.run_id in RUNS
        self.small = "small"
        self.medium = b"m" * {medium}
        self.large = bytes(range(256)) * ({large} // 256)
        self.untouched = b"u" * {large}
        print("said by start")
        self.items = [1, 2, 3]
        self.next(self.each, foreach="items")

    {isolation}
    @step
    def each(self):
        first = Task("Fresh/" + current.run_id + "/start/1")
        self.heard = first.stdout
        self.own_run = [step.id for step in Run("Fresh/" + current.run_id)]
        self.through_the_client = first.data.large == self.large
        current.run.add_tag("each " + str(self.input))
        self.changed = self.large[::-1] + bytes([self.input])
        self.alone = PROCESS == os.getpid()
        self.next(self.join)

    {isolation}
    @step
    def join(self, inputs):
        self.right = [each.changed == each.large[::-1] + bytes([each.input]) for each in inputs]
        self.all_alone = [each.alone for each in inputs] + [PROCESS == os.getpid()]
        self.merge_artifacts(inputs, exclude=["changed", "alone"])
        self.next(self.slow)

    {isolation}
    @catch(var="late")
    @timeout(seconds=1)
    @step
    def slow(self):
        self.before = self.medium
        while True:
            pass
        self.next(self.broken)

    {isolation}
    @retry(times=1, minutes_between_retries=0)
    @step
    def broken(self):
        self.left = b"l" * {large}
        if current.retry_count == 0:
            os._exit(3)
        print("the line before")
        raise ValueError("of the step: " + self.small)
        self.next(self.end)

    @step
    def end(self):
        pass
"""

# Either is enough to have an interpreter per task.
WAYS = {
    "asked for": {"imported": "", "isolation": '@isolation(level="interpreter")'},
    "automatic": {
        "imported": "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()",
        "isolation": "",
    },
}


@pytest.fixture
def variables(object_bucket: Bucket, use_bucket: UseBucket) -> Mapping[str, str]:
    """The environment of a user whose store is the bucket; ours is the same."""
    use_bucket(object_bucket)
    return dict(os.environ)


@pytest.fixture
def results(variables):
    import dockerflow  # noqa: PLC0415 - the store is found when a run is read

    return dockerflow


@pytest.mark.parametrize(("engine", "way"), [("docker", "asked for"), ("process", "automatic")])
def test_a_task_with_an_interpreter_of_its_own_uses_a_bucket_as_any_other(
    engine: str, way: str, dockerflow, tmp_path: Path, results
) -> None:
    """Artifacts of every size, the client in the step and in the import, tags, time limits, crashes, tracebacks.

    Why a task has its own interpreter makes no difference on any engine: `integration/engines/test_isolation`."""
    (tmp_path / "flow.py").write_text(FLOW.format(**WAYS[way], large=LARGE, medium=MEDIUM))
    printed = dockerflow("run", "flow.py", "--engine", engine, code=1)
    run = results.Flow("Fresh").latest_run

    first = run["start"].task.data
    assert (first.alone, first.seen_at_import, first.small) == (True, True, "small")
    assert first.medium == b"m" * MEDIUM
    assert first.large == bytes(range(256)) * (LARGE // 256)
    each = [task.data for task in run["each"]]
    assert [one.heard for one in each] == ["said by start\n"] * 3
    assert [one.through_the_client for one in each] == [True] * 3
    assert all(one.own_run[-1] == "start" for one in each)
    assert run.user_tags >= {"each 1", "each 2", "each 3"}
    joined = run["join"].task.data
    assert (joined.right, joined.all_alone) == ([True] * 3, [True] * 4)
    assert joined.untouched == b"u" * LARGE

    late = run["slow"].task
    assert (late.finished, late.successful, late.data.before) == (True, False, b"m" * MEDIUM)
    assert "timed out" in str(late.data.late)

    broken = run["broken"].task
    assert (broken.current_attempt, broken.exception.exception) == (1, "of the step: small")
    assert broken.stdout == "the line before\n"
    said = printed.stdout + printed.stderr
    assert 'in broken\n    raise ValueError("of the step: " + self.small)' in said
    assert "dockerflow/runtime" not in said, "a traceback begins at the user's frame"
