"""What an engine is told about a container, without an engine."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from dockerflow.engines.container import WORK, container, host_options, opening, place_of_work
from dockerflow.engines.worker import BucketForWorkers, WorkerRequest
from dockerflow.images.image import OwnPython
from dockerflow.store.s3.access import Answer

OURS = WorkerRequest(
    worker_id=1,
    name="dockerflow-Flow-1-start-1",
    image="dockerflow/step:0123",
    labels={},
    flow_name="Flow",
    flow_file="flow.py",
    code="0" * 64,
    blobs=Path("/store/blobs"),
    outbox=Path("/store/outbox/1"),
)
OPEN = replace(OURS, image="sha256:" + "1" * 64, own=OwnPython("/usr/bin/python3", "3.11.2"))
CLOSED = replace(OPEN, own=OwnPython("/usr/bin/python3", "3.11.2", ("/tmp", "/work")))


def told(request: WorkerRequest) -> dict[str, object]:
    return container(request, "1000:1000", {})


def mounts(request: WorkerRequest, owner: str = "1000:1000") -> tuple[set[str], object]:
    options = host_options(request, owner, 2, 1 << 30)
    return {mount["Target"] for mount in options["mounts"]}, options.get("tmpfs")


def test_a_step_image_enters_by_its_own_entry_point() -> None:
    assert "entrypoint" not in told(OURS)
    assert told(OURS)["command"][0] == "/opt/env/bin/python"  # type: ignore[index]
    assert "healthcheck" not in told(OURS)


def test_of_a_users_image_only_the_python_is_started() -> None:
    assert told(OPEN)["entrypoint"] == ["/usr/bin/python3"]
    assert told(OPEN)["command"] == told(OURS)["command"][1:]  # type: ignore[index]
    assert told(OPEN)["healthcheck"] == {"test": ["NONE"]}
    assert told(OPEN)["working_dir"] == "/work"


@pytest.mark.parametrize("request_", [OURS, OPEN])
def test_folders_that_every_user_may_write_to_are_volumes(request_: WorkerRequest) -> None:
    assert str(place_of_work(request_)) == "/work"
    assert mounts(request_) == ({"/dockerflow/blobs", "/dockerflow/outbox", "/work", "/tmp"}, None)
    assert "TMPDIR" not in told(request_)["environment"]  # type: ignore[operator]


def test_a_worker_reads_the_runs_of_the_store_and_is_told_where() -> None:
    request = replace(OURS, runs=Path("/store/runs"))
    (runs,) = [each for each in host_options(request, "", 2, 1 << 30)["mounts"] if each["Source"] == "/store/runs"]
    assert (runs["Target"], runs["ReadOnly"]) == ("/dockerflow/runs", True)
    environment = told(request)["environment"]
    assert environment["DOCKERFLOW_STORE"] == "/dockerflow"  # type: ignore[index]
    assert environment["DOCKERFLOW_OUTBOX"] == "/dockerflow/outbox"  # type: ignore[index]


def test_folders_that_are_closed_are_opened_in_another_way() -> None:
    inside = str(WORK / "open")
    assert str(place_of_work(CLOSED)) == inside
    places, tmpfs = mounts(CLOSED)
    assert places == {"/dockerflow/blobs", "/dockerflow/outbox", "/work"}
    assert tmpfs == {"/tmp": "mode=1777,exec,uid=1000,gid=1000"}
    assert mounts(CLOSED, owner="")[1] == {"/tmp": "mode=1777,exec"}
    environment = told(CLOSED)["environment"]
    assert isinstance(environment, dict)
    assert environment["HOME"] == environment["TMPDIR"] == inside
    assert inside in told(CLOSED)["command"]  # type: ignore[operator]


def test_what_opens_a_folder_is_writable_for_everyone() -> None:
    with tarfile.open(fileobj=io.BytesIO(opening())) as archive:
        (folder,) = archive.getmembers()
    assert (folder.name, folder.isdir(), folder.mode) == ("open", True, 0o1777)


def test_shared_memory_is_what_is_asked_for_or_as_much_as_the_memory() -> None:
    def size(request: WorkerRequest) -> object:
        return host_options(request, "1000:1000", 2, 1 << 30)["shm_size"]

    assert size(OURS) == 1 << 29
    assert size(replace(OURS, memory=100)) == 100 << 20
    assert size(replace(OURS, memory=100, shared_memory=10)) == 10 << 20


def test_gpus_are_asked_for_as_devices() -> None:
    assert "device_requests" not in host_options(OURS, "1000:1000", 2, 1 << 30)
    (asked,) = host_options(replace(OURS, gpu=2), "1000:1000", 2, 1 << 30)["device_requests"]
    assert (asked.count, asked.device_ids, asked.capabilities) == (2, [], [["gpu"]])
    (asked,) = host_options(replace(OURS, gpu=2, gpus=(1, 3)), "1000:1000", 2, 1 << 30)["device_requests"]
    assert (asked.count, asked.device_ids, asked.capabilities) == (0, ["1", "3"], [["gpu"]])


def test_variables_go_over_those_that_every_worker_has() -> None:
    environment = container(replace(OURS, environment={"HOME": "/elsewhere", "A": "1"}), "1000:1000", {})["environment"]
    assert (environment["HOME"], environment["A"], environment["PYTHONHASHSEED"]) == ("/elsewhere", "1", "0")


def test_of_a_store_in_a_bucket_a_container_gets_its_name_and_an_outbox_alone() -> None:
    """Code, access and answers come over its standard input: nothing of them can be seen from outside."""
    bucket = BucketForWorkers("s3://bucket/store", b"the code", lambda question: Answer())
    request = replace(OURS, blobs=None, bucket=bucket)
    assert mounts(request)[0] == {"/dockerflow/outbox", "/work", "/tmp"}
    environment = told(request)["environment"]
    assert isinstance(environment, dict)
    assert {name for name in environment if name.startswith("DOCKERFLOW_")} == {"DOCKERFLOW_STORE", "DOCKERFLOW_OUTBOX"}
    assert environment["DOCKERFLOW_STORE"] == "s3://bucket/store"
    assert "the code" not in repr(request)


@pytest.mark.parametrize(("base", "outbox"), [(OURS, "/work/outbox"), (CLOSED, "/work/open/outbox")])
def test_on_an_engine_elsewhere_nothing_is_mounted_and_the_outbox_is_where_the_worker_works(
    base: WorkerRequest, outbox: str
) -> None:
    bucket = BucketForWorkers("s3://bucket/store", b"", lambda question: Answer())
    request = replace(base, blobs=None, bucket=bucket, mounts=False)
    assert {mount["Type"] for mount in host_options(request, "", 2, 1 << 30)["mounts"]} == {"volume"}
    environment = told(request)["environment"]
    assert isinstance(environment, dict)
    assert environment["DOCKERFLOW_OUTBOX"] == outbox
    assert outbox in told(request)["command"]  # type: ignore[operator]
