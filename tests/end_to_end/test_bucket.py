"""Steps in containers whose store is a bucket: all that works with a folder works, and nobody sees a secret.

With the server that lends credentials for steps, and with the one where the scheduler signs each request of theirs.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import textwrap
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import docker
import pytest

from tests.containers import bridge_gateway
from tests.end_to_end.conftest import EXAMPLES
from tests.object_servers import Bucket, UseBucket

# Nothing that a test waits for takes so long, in seconds.
LIMIT = 200

PREFIX = "team a/store"


@pytest.fixture
def bucket(object_bucket: Bucket) -> Bucket:
    return object_bucket


@pytest.fixture
def variables(docker_client, bucket, use_bucket: UseBucket) -> Mapping[str, str]:
    """The environment of a user whose channel is the tests' own and whose store is the bucket; ours is the same."""
    use_bucket(bucket, PREFIX)
    return dict(os.environ)


@pytest.fixture
def results(variables):
    import dockerflow  # noqa: PLC0415 - the store is found when a run is read

    return dockerflow


WHOLE = """
import os
from dockerflow import Flow, FlowSpec, Parameter, Run, Task, conda_base, current, get_metadata, parallel, step

@conda_base(python="3.11")
class Whole(FlowSpec):
    broken = Parameter("broken", default="")

    @step
    def start(self):
        print("said by start")
        self.large = bytes(range(256)) * 20_000
        self.same = bytes(range(256)) * 20_000
        self.medium = b"m" * 100_000
        self.items = ["a", "b", "c"]
        self.next(self.each, foreach="items")

    @step
    def each(self):
        first = Task(f"Whole/{current.run_id}/start/1")
        self.heard = first.stdout
        self.length = len(first.data.large)
        current.run.add_tag(f"each {self.input}")
        self.result = self.input.upper()
        self.next(self.join)

    @step
    def join(self, inputs):
        self.results = [each.result for each in inputs]
        self.heard = inputs[0].heard
        self.lengths = [each.length for each in inputs]
        self.merge_artifacts(inputs, include=["large", "medium"])
        self.tags = sorted(tag for tag in current.run.user_tags if tag.startswith("each"))
        self.next(self.between)

    @step
    def between(self):
        self.next(self.node, num_parallel=2)

    @parallel
    @step
    def node(self):
        self.number = current.parallel.node_index
        self.next(self.together)

    @step
    def together(self, inputs):
        self.numbers = [each.number for each in inputs]
        self.merge_artifacts(inputs, include=["large", "medium", "results", "lengths", "heard", "tags"])
        self.next(self.end)

    @step
    def end(self):
        if self.broken and current.origin_run_id is None:
            raise RuntimeError("once")
        self.where = get_metadata()
        self.flows = [flow.id for flow in [Flow("Whole")]]
        self.mounts = [line.split()[4] for line in open("/proc/self/mountinfo") if " /dockerflow" in line]
"""


def test_what_works_with_a_folder_works_with_a_bucket(dockerflow, tmp_path, results, variables) -> None:
    (tmp_path / "flow.py").write_text(textwrap.dedent(WHOLE))
    dockerflow("run", "flow.py", "--broken", "yes", code=1)
    failed = results.Flow("Whole").latest_run
    assert not failed.successful
    assert "said by start" in dockerflow("logs", f"Whole/{failed.id}/start").stdout
    dockerflow("resume", "flow.py")
    run = results.Flow("Whole").latest_run
    assert run.successful
    assert run.origin_pathspec == f"Whole/{failed.id}"
    data = run["end"].task.data
    assert data.large == bytes(range(256)) * 20_000
    assert data.medium == b"m" * 100_000
    assert data.results == ["A", "B", "C"]
    assert data.lengths == [len(data.large)] * 3
    assert data.heard == "said by start\n"
    assert data.tags == ["each a", "each b", "each c"]
    assert data.where == variables["DOCKERFLOW_STORE"]
    assert data.flows == ["Whole"]
    assert data.mounts == ["/dockerflow/outbox"], "a container needs nothing of this machine but what is left behind"
    assert failed.user_tags >= {"each a", "each b", "each c"}
    assert run["together"].task.data.numbers == [0, 1]
    record = json.loads(dockerflow("inspect", f"Whole/{run.id}", "--json").stdout)
    steps = {step["name"]: step for step in record["steps"]}
    assert steps["start"]["tasks"][0]["origin"] == f"Whole/{failed.id}/start/1"
    assert steps["node"]["environments"][0]["packages"][0]["name"] == "python"
    assert all(task["outputs"] and task["unreadable"] is None for step in steps.values() for task in step["tasks"])


SEEN = """
import base64, json, os, socket
from dockerflow import FlowSpec, Parameter, conda_base, step
from dockerflow.store.s3 import granted
from dockerflow.store.s3.access import Question
from dockerflow.store.s3.line import Line, VARIABLE

def contents():
    places = [f"/proc/{pid}/{name}" for pid in os.listdir("/proc") if pid.isdigit() for name in ("environ", "cmdline")]
    for top in ("/work", "/tmp", "/dev/shm", "/dockerflow"):
        places += [os.path.join(folder, name) for folder, _, names in os.walk(top) for name in names]
    for place in places:
        try:
            if os.path.isfile(place):  # no pipes: nobody would answer
                yield open(place, "rb").read()
        except OSError:
            pass

@conda_base(python="3.11")
class Seen(FlowSpec):
    gate = Parameter("gate")

    @step
    def start(self):
        self.large = bytes(range(256)) * 10_000
        self.next(self.look)

    @step
    def look(self):
        lease = Line(os.environ[VARIABLE]).ask(Question()).access.lease
        told = {
            "secrets": [lease.secret_key, lease.session_token] if lease else [],
            "contents": base64.b64encode(b"|".join(contents())).decode(),
        }
        print("looking")
        host, port = self.gate.split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(json.dumps(told).encode() + b"\\n")
            connection.recv(1)
        granted.LATE = 1e9  # as if every lease ran out at once: each request then begins with another
        self.first, self.last = self.large[0], self.large[-1]
        self.refused = []
        store = granted.store_of_this_step("/tmp")
        for do in (
            lambda: store.get("locks/any.yml"),
            lambda: store.put("runs/Seen/1/claim", b""),
            lambda: store.blobs.delete(["00" * 32]),
            lambda: store.keys("locks/"),
            lambda: store.objects.put("blobs/00/" + "00" * 32, b"false"),
        ):
            try:
                do()
            except Exception as error:
                self.refused.append(type(error).__name__)
        self.runs = store.children("runs/Seen")
        self.next(self.end)

    @step
    def end(self):
        pass
"""


@dataclass(frozen=True)
class Told:
    """What a step says of itself while it waits: credentials that it was lent, and all that it can read of others."""

    secrets: list[bytes]
    contents: bytes


class Gate:
    """Where a step waits until the test has looked at it from outside."""

    def __init__(self, host: str) -> None:
        self._server = socket.create_server((host, 0))
        self._server.settimeout(LIMIT)
        self.name = f"{host}:{self._server.getsockname()[1]}"

    def wait(self, look: Callable[[], bytes]) -> tuple[Told, bytes]:
        connection, _ = self._server.accept()
        with connection, connection.makefile("rb") as stream:
            told = json.loads(stream.readline())
            seen = look()
            connection.sendall(b"!")
        return Told([each.encode() for each in told["secrets"]], base64.b64decode(told["contents"])), seen

    def close(self) -> None:
        self._server.close()


@pytest.fixture
def gate(docker_client: docker.DockerClient) -> Iterator[Gate]:
    made = Gate(bridge_gateway(docker_client))
    yield made
    made.close()


def test_nobody_sees_a_secret(dockerflow, tmp_path, bucket, gate, docker_client, results) -> None:
    """Not the user's credentials and not those that steps are lent: in what the engine tells of containers and their
    images, in environments, command lines and files there, in the store, in what is printed. What a step is lent reads
    blobs and runs, is renewed, and does no more."""
    (tmp_path / "flow.py").write_text(textwrap.dedent(SEEN))

    def look() -> bytes:
        found = docker_client.api.containers(all=True, filters={"label": "dockerflow.flow=Seen"})
        assert found
        each = [docker_client.api.inspect_container(one["Id"]) for one in found]
        images = [docker_client.api.inspect_image(one["Image"]) for one in each]
        return json.dumps([found, each, images]).encode()

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(gate.wait, look)
        done: subprocess.CompletedProcess[str] = dockerflow("run", "flow.py", "--gate", gate.name)
        told, inspected = waiting.result()
    assert b"DOCKERFLOW_STORE=s3://" in told.contents
    assert b"class Seen" in told.contents, "it has looked at files"
    assert bucket.name.encode() in inspected
    data = results.Flow("Seen").latest_run["look"].task.data
    assert (data.first, data.last) == (0, 255)
    assert data.refused == ["AccessDenied"] * 5
    assert data.runs == [results.Flow("Seen").latest_run.id]

    printed = (done.stdout + done.stderr + dockerflow("logs", "Seen/" + data.runs[0]).stdout).encode()
    assert b"looking" in printed
    stored = stored_in(bucket)
    assert b"class Seen" in stored
    here = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for secret in (bucket.server.secret_key.encode(), *told.secrets):
        for place in (told.contents, inspected, printed, stored, here):
            assert secret not in place


LARGE = """
import resource
from dockerflow import FlowSpec, conda_base, step
from dockerflow.runtime import task_blobs

task_blobs.SINGLE = 1 << 20  # as if a server took no more in one request

@conda_base(python="3.11")
class Large(FlowSpec):
    @step
    def start(self):
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))  # it cannot be left in a folder
        self.large = bytes(range(256)) * 300_000  # two parts
        self.same = bytes(range(256)) * 300_000
        self.next(self.each, self.other)

    @step
    def each(self):
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        self.changed = b"?" + self.large
        self.next(self.join)

    @step
    def other(self):
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        self.changed = b"?" + self.large
        self.next(self.join)

    @step
    def join(self, inputs):
        self.right = [each.changed == b"?" + each.large for each in inputs]
        self.merge_artifacts(inputs)
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def test_what_is_too_large_for_one_request_goes_through_the_bucket_in_parts(dockerflow, tmp_path, results, bucket):
    (tmp_path / "flow.py").write_text(textwrap.dedent(LARGE))
    dockerflow("run", "flow.py")
    data = results.Flow("Large").latest_successful_run["end"].task.data
    assert data.right == [True, True]
    assert data.large == data.same == bytes(range(256)) * 300_000
    assert data.changed == b"?" + data.large
    names = [each.object_name for each in bucket.server.client().list_objects(bucket.name, recursive=True)]
    assert not [name for name in names if "/outbox/" in name]


def stored_in(bucket: Bucket) -> bytes:
    client = bucket.server.client()
    names = [each.object_name for each in client.list_objects(bucket.name, recursive=True)]
    return b"|".join(client.get_object(bucket.name, name).read() for name in names)


def test_two_versions_of_pandas_share_a_bucket(dockerflow, results) -> None:
    dockerflow("run", EXAMPLES / "genre_stats" / "flow.py")
    run = results.Flow("GenreStats").latest_successful_run
    assert run["start"].task.data.read_with == "1.5.3"
    assert {task.data.computed_with for task in run["compute_statistics"]} == {"2.2.3"}
