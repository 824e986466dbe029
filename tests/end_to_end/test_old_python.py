"""A step may ask for an old Python: what goes into its container runs there, with a folder and with a bucket.

The oldest that this machine has an interpreter of, from 3.7 on; for the rest of the versions the syntax is checked.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import pytest

from dockerflow.setup.channel import LocalChannel, Request
from dockerflow.setup.errors import ChannelNotMade
from tests.channel import PYTHON, cache
from tests.object_servers import Bucket

OLDEST = 7

FLOW = """
import sys
from dockerflow import FlowSpec, Parameter, Task, catch, conda, conda_base, current, retry, step
from dockerflow.runtime import task_blobs

task_blobs.SINGLE = 1 << 20  # so that what is large goes to a bucket in parts

@conda_base(python="{old}")
class Old(FlowSpec):
    word = Parameter("word", default="said")

    @step
    def start(self):
        print(self.word, "by start")
        self.version = list(sys.version_info[:2])
        self.large = bytearray(range(256)) * 20_000
        self.items = ["a", "b"]
        self.next(self.each, foreach="items")

    @retry(times=1, minutes_between_retries=0)
    @step
    def each(self):
        first = Task("Old/%s/start/1" % current.run_id)
        self.heard = first.stdout
        self.length = len(first.data.large)
        current.run.add_tag("each " + self.input)
        if current.retry_count == 0:
            raise RuntimeError("once")
        self.next(self.join)

    @catch(var="caught")
    @step
    def join(self, inputs):
        self.merge_artifacts(inputs, include=["large", "version"])
        self.heard = [each.heard for each in inputs]
        self.lengths = [each.length for each in inputs]
        if self.lengths:
            raise RuntimeError("caught")
        self.next(self.new)

    @conda(python="{new}")
    @step
    def new(self):
        self.larger = b"?" + bytes(self.large)
        self.next(self.end)

    @step
    def end(self):
        self.read = self.larger == b"?" + bytes(range(256)) * 20_000
"""


@pytest.fixture(scope="module")
def old() -> tuple[str, LocalChannel]:
    """The oldest Python there is, and a channel with it and with ours."""
    channel = LocalChannel(cache() / "oldest-python")
    channel.add([Request(PYTHON, ())])
    for minor in range(OLDEST, int(PYTHON.partition(".")[2])):
        try:
            channel.add([Request(f"3.{minor}", ())])
        except ChannelNotMade:
            continue
        return f"3.{minor}", channel
    return PYTHON, channel


@pytest.fixture(params=["directory", "bucket"])
def variables(
    request: pytest.FixtureRequest, variables: Mapping[str, str], old: tuple[str, LocalChannel]
) -> Mapping[str, str]:
    found = {**variables, "DOCKERFLOW_CHANNELS": old[1].url}
    if request.param == "directory":
        return found
    bucket: Bucket = request.getfixturevalue("minio_bucket")
    server = bucket.server
    return found | {
        "DOCKERFLOW_STORE": f"s3://{bucket.name}",
        "DOCKERFLOW_S3_ENDPOINT": server.endpoint,
        "DOCKERFLOW_S3_ACCESS_KEY": server.access_key,
        "DOCKERFLOW_S3_SECRET_KEY": server.secret_key,
        "DOCKERFLOW_S3_REGION": server.region,
    }


def test_steps_run_in_the_oldest_python(dockerflow, tmp_path, variables, old, monkeypatch) -> None:
    (tmp_path / "flow.py").write_text(textwrap.dedent(FLOW.format(old=old[0], new=PYTHON)))
    dockerflow("run", "flow.py", "--run-id-file", "id")
    for name in variables:
        if name.startswith("DOCKERFLOW_"):
            monkeypatch.setenv(name, variables[name])
    from dockerflow import Run  # noqa: PLC0415 - the store is found when a run is read

    store = variables.get("DOCKERFLOW_STORE") or tmp_path / ".dockerflow"
    run = Run(f"Old/{(tmp_path / 'id').read_text()}", store=store)
    data = run["end"].task.data
    assert data.version == [int(number) for number in old[0].split(".")]
    assert data.read
    assert run["join"].task.data.heard == ["said by start\n"] * 2
    assert run["join"].task.data.lengths == [256 * 20_000] * 2
    assert "caught" in str(run["join"].task.data.caught)
    assert run.user_tags >= {"each a", "each b"}
