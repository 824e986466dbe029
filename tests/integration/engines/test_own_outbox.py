"""On an engine elsewhere a worker has an outbox of its own, and what it leaves there is brought to this machine.

The bucket of these workers is nowhere, as it is for tasks whose server is away: so everything that is not small stays
in the outbox.
"""

from __future__ import annotations

import os
import resource
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest

from dockerflow.engines.collecting import NotBack, Source, collecting
from dockerflow.engines.docker import DockerHost
from dockerflow.engines.worker import BucketForWorkers, Said, WorkerEnded
from dockerflow.host_settings import HostSettings
from dockerflow.images.image import OwnPython
from dockerflow.runtime.messages import Inline, Log, Ready, TaskResult
from dockerflow.store import asked_tags, code_package, manifest
from dockerflow.store.s3.access import Access, Answer, Question, Refused
from dockerflow.store.s3.place import Place
from tests.engines.daemons import Engine
from tests.engines.fixtures import bring
from tests.integration.engines.conftest import PYTHON
from tests.integration.engines.conversation import FLOWS, Conversation, Scene

NOWHERE = Access(Place("http://127.0.0.1:9", "bucket"), patience=0.5)


class Far(Scene):
    """Whose store is a folder here, and for the workers a bucket that does not answer."""

    def request(self, flow: str = "Leaving", **changes: Any) -> Any:
        package = code_package.pack(FLOWS / f"{flow.lower()}.py")
        bucket = BucketForWorkers("s3://bucket/store", package, answer)
        bucket.known.add(Inline.of(self.parameters, bytes(self.store.blobs.get(self.parameters))))
        request = super().request(flow, blobs=None, bucket=bucket, **changes)
        return replace(request, outbox=self.outbox / str(len(self.conversations)))


def answer(question: Question) -> Answer:
    if question.unanswered or question.request is not None:
        return Answer(refused=Refused("the server is away", again=True))
    return Answer(access=NOWHERE)


@pytest.fixture(scope="session")
def far(engine: Engine, image_archive: Path) -> Iterator[DockerHost]:
    bring(engine, image_archive)
    host = DockerHost.reach(HostSettings("far", engine.url), python=PYTHON)
    yield host
    host.close()


@pytest.fixture
def scene(far: DockerHost, image: str, tmp_path: Path) -> Iterator[Far]:
    scene = Far(far, tmp_path, image)
    yield scene
    scene.close()


@pytest.fixture
def worker(scene: Far) -> Conversation:
    return ready(scene)


def ready(scene: Far, **changes: Any) -> Conversation:
    """A worker that has imported its flow: before, whoever works for a bucket takes answers alone."""
    worker = scene.start("Leaving", **changes)
    worker.until(Ready)
    return worker


def done(worker: Conversation, step: str) -> TaskResult:
    worker.send(step)
    return worker.until(TaskResult)


def value(worker: Conversation, result: TaskResult) -> bytes:
    """The value of 20 MB that a task has written, from what has been brought here."""
    assert result.ok, result.failure
    blobs = worker.scene.store.blobs
    for blob in result.blobs:
        blobs.adopt(worker.request.outbox, blob)
    for small in result.inline:
        blobs.put([small.data])
    assert result.manifest is not None
    refs = manifest.read(blobs, result.manifest).artifacts
    assert manifest.load(blobs, refs["small"]) == "small"
    found: bytes = manifest.load(blobs, refs["value"])
    return found


def test_a_value_that_the_bucket_does_not_take_is_here_when_the_result_is_heard(worker: Conversation) -> None:
    result = done(worker, "start")
    assert os.listdir(worker.request.outbox) == list(result.blobs)
    assert len(value(worker, result)) == 20_000_000


def test_a_container_elsewhere_has_no_folder_of_this_machine(worker: Conversation, far: DockerHost) -> None:
    mounts = far.client.api.inspect_container(worker.request.name)["Mounts"]
    assert {each["Type"] for each in mounts} == {"volume"}
    worker.send("asks")
    assert [line.text for line in worker.until(Log).lines] == ["0o700 False"]


def test_tags_that_a_task_asked_for_come_with_its_result_also_when_it_fails(worker: Conversation) -> None:
    """In their order, as files in the folder where they would be if it were mounted; nothing is read through a link,
    and nothing is told twice."""
    result = done(worker, "asks")
    assert not result.ok
    here = worker.request.outbox
    assert [(here / name).read_text() for name in asked_tags.names(here)] == ["first", "second"]
    assert done(worker, "end").asked == ()
    assert len(asked_tags.names(here)) == 2


def test_what_is_left_stays_when_a_task_of_another_step_begins(worker: Conversation) -> None:
    """Of a task nothing else does: its blobs may have to be read by the next, as long as the server is away."""
    done(worker, "start")
    worker.send("looks")
    assert [line.text for line in worker.until(Log).lines] == ["1 blobs"]


def test_in_an_image_that_lets_nobody_write_the_outbox_is_where_the_worker_may(scene: Far) -> None:
    worker = ready(scene, own=OwnPython(PYTHON, "3.11.2", ("/tmp", "/work")))
    assert len(value(worker, done(worker, "start"))) == 20_000_000


def test_a_blob_that_is_not_there_fails_the_task_when_it_is_taken(worker: Conversation) -> None:
    result = done(worker, "removes")
    assert result.failure is not None
    assert result.failure.kind == "artifact"
    assert (
        "was announced but is not in the outbox `/work/outbox` of container `dockerflow-test-" in result.failure.message
    )


def heard(
    far: DockerHost, worker: Conversation, result: TaskResult, is_back: bool, url: str | None = None
) -> list[Said]:
    """What is heard of a result when its blobs are to be brought."""
    told: list[Said] = []
    client = docker.DockerClient(url or far.url, version="auto")
    source, request = Source(client, far.url, lambda: is_back), replace(worker.request, mounts=False)
    try:
        collecting(source, request, lambda _, said: told.append(said))(7, result)
    finally:
        client.close()
    return told


def test_a_result_whose_container_has_ended_is_not_heard(worker: Conversation, far: DockerHost) -> None:
    """The values went with the container. What is heard next is its end: the task was lost, and is tried again."""
    result = done(worker, "start")
    (worker.request.outbox / result.blobs[0]).unlink()
    worker.worker.kill()
    worker.until(WorkerEnded)
    assert heard(far, worker, result, is_back=True) == []


@pytest.mark.parametrize("engine", ["docker 20.10"], indirect=True)
def test_a_blob_that_was_cut_off_is_brought_again_when_the_host_is_back(worker: Conversation, far: DockerHost) -> None:
    result = done(worker, "start")
    blob = worker.request.outbox / result.blobs[0]
    whole = blob.read_bytes()
    blob.unlink()
    with cutting(far.url, 5_000_000) as url:
        told = heard(far, worker, result, is_back=True, url=url)
    assert os.listdir(blob.parent) == [blob.name]
    assert told == [result]
    assert blob.read_bytes() == whole


@pytest.mark.parametrize("engine", ["docker 20.10"], indirect=True)
def test_whose_host_is_given_up_while_a_result_is_brought_is_told_so(worker: Conversation, far: DockerHost) -> None:
    """The result is not heard of, and must not be acknowledged as if it had been."""
    result = done(worker, "start")
    blob = worker.request.outbox / result.blobs[0]
    blob.unlink()
    with cutting(far.url, 5_000_000) as url, pytest.raises(NotBack):
        heard(far, worker, result, is_back=False, url=url)
    assert os.listdir(blob.parent) == []


def test_a_blob_for_which_there_is_no_room_here_fails_the_task_and_names_the_folder(
    worker: Conversation, far: DockerHost
) -> None:
    """Which no other try mends: the engine is not to blame."""
    result = done(worker, "start")
    here = worker.request.outbox
    (here / result.blobs[0]).unlink()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, hard))
    try:
        [told] = heard(far, worker, result, is_back=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert isinstance(told, TaskResult)
    assert told.failure is not None
    assert told.failure.message == f"cannot write to the folder `{here}`: File too large"
    assert os.listdir(here) == []


@contextmanager
def cutting(url: str, size: int) -> Iterator[str]:
    """A way to an engine on which the first answer of more than `size` bytes is cut off."""
    left, passing = [size], list[threading.Thread]()

    def accept(listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                accepted, _ = listening.accept()
                passing.append(threading.Thread(target=_pass_on_both, args=(accepted, url, left)))
                passing[-1].start()

    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{folder}/engine.sock")
        listening.listen()
        accepting = threading.Thread(target=accept, args=(listening,))
        accepting.start()
        try:
            yield f"unix://{folder}/engine.sock"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            for thread in (accepting, *passing):
                thread.join()


def _pass_on_both(accepted: socket.socket, url: str, left: list[int]) -> None:
    with accepted, socket.socket(socket.AF_UNIX) as engine:
        engine.connect(url.removeprefix("unix://"))
        asking = threading.Thread(target=_pass_on, args=(accepted, engine, [1 << 40]))
        asking.start()
        _pass_on(engine, accepted, left)
        asking.join()


def _pass_on(source: socket.socket, target: socket.socket, left: list[int]) -> None:
    """Until one of them has ended, and then neither goes on."""
    with suppress(OSError):
        while piece := source.recv(1 << 16):
            target.sendall(piece)
            left[0] -= len(piece)
            if left[0] < 0:
                left[0] = 1 << 40
                break
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
