"""The example of a hybrid run: data from here, models from another machine, judged here.

Where a step ran is told by the engines, each of which knows the containers that it has started, and by the client.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.channel import SKLEARN_NEW, SKLEARN_OLD
from tests.conftest import BASE_IMAGE
from tests.end_to_end.conftest import EXAMPLES, Command
from tests.hosts.fixtures import RemoteHost
from tests.object_servers import Bucket, UseBucket

HYBRID = EXAMPLES / "hybrid" / "flow.py"

HERE = {"start", "evaluate", "end"}

# Nothing that a test waits for takes so long, in seconds.
LIMIT = 200


@pytest.fixture
def variables(docker_client, users_ssh, minio_bucket: Bucket, use_bucket: UseBucket) -> Mapping[str, str]:
    """The environment of a user whose channel is the tests' own and whose store is a bucket; ours is the same."""
    use_bucket(minio_bucket, "hybrid")
    return dict(os.environ)


@pytest.fixture
def results(variables):
    import dockerflow  # noqa: PLC0415 - the store is found when a run is read

    return dockerflow


class Started:
    """The containers that an engine makes for steps from now on, as it tells of them."""

    def __init__(self, client: docker.DockerClient) -> None:
        self._client = client
        self._found: list[tuple[str, str]] = []
        self._changed = threading.Condition()
        filters = {"type": "container", "event": "create"}
        self._events = client.events(since=int(time.time()), filters=filters, decode=True)
        threading.Thread(target=self._listen, daemon=True).start()

    def of_run(self, run: str) -> set[str]:
        """The steps for which there were containers until now: all that was before one of ours is told before it."""
        mark = uuid.uuid4().hex
        labels = {"dockerflow.run": mark, "dockerflow.step": mark}
        self._client.containers.create(BASE_IMAGE, ["true"], labels=labels).remove()
        with self._changed:
            assert self._changed.wait_for(lambda: (mark, mark) in self._found, LIMIT)
            self._events.close()
            return {step for of, step in self._found if of == run}

    def _listen(self) -> None:
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed while it reads
            for event in self._events:
                labels = event["Actor"]["Attributes"]
                with self._changed:
                    self._found.append((labels.get("dockerflow.run", ""), labels.get("dockerflow.step", "")))
                    self._changed.notify_all()


def called(host: RemoteHost, name: str) -> RemoteHost:
    return replace(host, settings=replace(host.settings, name=name))


@pytest.fixture(params=[("docker 20.10", "ssh"), ("moby v2", "tls"), ("podman", "ssh")], ids=lambda each: each[0])
def host(request: pytest.FixtureRequest, remote_host, hosts_config, minio_bucket: Bucket) -> RemoteHost:
    """Another machine, called `remote` in the user's configuration."""
    kind, how = request.param
    found = called(remote_host(kind, how).reaching(minio_bucket.server), "remote")
    hosts_config(found)
    return found


def test_models_are_trained_there_and_judged_here(
    dockerflow: Command, results: Any, host: RemoteHost, docker_client: docker.DockerClient
) -> None:
    started_there, started_here = Started(host.client), Started(docker_client)
    told = dockerflow("run", HYBRID).stdout
    run = results.Flow("Hybrid").latest_successful_run
    assert started_there.of_run(run.id) == {"train"}
    assert started_here.of_run(run.id) <= HERE
    here = docker_client.info()["Name"]
    assert {step.id: _hosts(step) for step in run} == {"train": {"remote"}, **{name: {here} for name in HERE}}
    assert not _left(host.client, run)

    assert run["start"].task.data.loaded_with == SKLEARN_NEW
    assert [task.data.trained_with for task in run["train"]] == [SKLEARN_OLD] * 3
    assert run.data.evaluated_with == SKLEARN_NEW

    # What came from there is what the steps here have judged, and what went there what was loaded here.
    assert {task.data.strength: _accuracy(task.data) for task in run["train"]} == run.data.accuracies
    assert run.data.accuracies[run.data.best] > 0.95
    assert all((task.data.known == run["start"].task.data.known).all() for task in run["train"])

    # What is printed there is seen here, and kept.
    said = [f"scikit-learn {SKLEARN_OLD}: trained with C={strength}" for strength in run["start"].task.data.strengths]
    assert [told.count(line) for line in said] == [1, 1, 1]
    assert [task.stdout for task in sorted(run["train"], key=_number)] == [f"{line}\n" for line in said]


def test_two_machines_share_the_models(
    dockerflow: Command, results: Any, remote_host, hosts_config, minio_bucket: Bucket, tmp_path: Path
) -> None:
    """One of them is reached by SSH and the other by TLS, and each is given the image that it needs, and a container.
    Whether the slower one still finds a model to train is not ours to say.
    """
    by_ssh = called(remote_host("docker 20.10", "ssh").reaching(minio_bucket.server), "remote")
    by_tls = called(remote_host("moby v2", "tls").reaching(minio_bucket.server), "other")
    hosts_config(by_ssh, by_tls)
    source = HYBRID.read_text()
    assert source.count("@remote(cpu=1") == 1
    (tmp_path / "flow.py").write_text(source.replace("@remote(cpu=1", '@remote(host="remote,other", cpu=1'))
    started = [Started(each.client) for each in (by_ssh, by_tls)]
    dockerflow("run", tmp_path / "flow.py")
    run = results.Flow("Hybrid").latest_successful_run
    assert [each.of_run(run.id) for each in started] == [{"train"}, {"train"}]
    assert _hosts(run["train"]) <= {"remote", "other"}
    assert len(run.data.accuracies) == 3
    assert not _left(by_ssh.client, run)
    assert not _left(by_tls.client, run)


FOREIGN = """
from metaflow import FlowSpec, batch, conda_base, step

@conda_base(python="3.11")
class Foreign(FlowSpec):
    @batch(cpu=1, memory=500, queue="big")
    @step
    def start(self):
        self.x = 1
        self.next(self.end)

    @step
    def end(self):
        self.y = self.x + 1
"""
RUNS = "`@batch`: step `start` runs {}; resources and image count, what is for a cluster is ignored"


def test_a_step_of_metaflows_for_another_machine_runs_on_the_one_that_is_called_remote(
    dockerflow: Command, results: Any, remote_host, hosts_config, minio_bucket: Bucket, tmp_path: Path
) -> None:
    flow = tmp_path / "foreign.py"
    flow.write_text(FOREIGN)
    here = dockerflow("run", flow)
    hosts_config(called(remote_host("docker 20.10").reaching(minio_bucket.server), "remote"))
    there = dockerflow("run", flow)
    assert RUNS.format("here") in here.stdout + here.stderr
    assert RUNS.format("on `remote`") in there.stdout + there.stderr
    second, first = list(results.Flow("Foreign"))
    assert _hosts(second["start"]) == {"remote"}
    assert _hosts(first["start"]) == _hosts(second["end"]) == _hosts(first["end"])
    assert [run.data.y for run in (first, second)] == [2, 2]


def test_without_the_host_nothing_begins(dockerflow: Command, results: Any) -> None:
    told = dockerflow("run", HYBRID, code=1).stderr
    assert "step `train`" in told
    assert "host `remote`" in told
    assert "dockerflow hosts add" in told
    with pytest.raises(results.DockerflowError):
        results.Flow("Hybrid").latest_run  # noqa: B018


def _hosts(step: Any) -> set[str]:
    return {task.metadata_dict["host"] for task in step}


def _left(client: docker.DockerClient, run: Any) -> list[Any]:
    return client.containers.list(all=True, filters={"label": f"dockerflow.run={run.id}"})


def _number(task: Any) -> int:
    return int(task.id)


def _accuracy(task: Any) -> float:
    """By the arrays alone, as they are read here."""
    read = (task.unknown @ task.weights.T + task.offsets).argmax(axis=1)
    return float((read == task.unknown_digits).mean())
