"""How often a bucket's server is asked: each time costs more than a look into a folder, and some are paid for."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from dockerflow.buckets.credentials import Identity
from dockerflow.buckets.sdk import SdkObjects
from dockerflow.client import Flow, NotFound, Run, Task, namespace, source
from dockerflow.store import journal, manifest, overview, runs, s3_blobs
from dockerflow.store.base import Chunk
from dockerflow.store.journal import MERGE, JournalWriter
from dockerflow.store.records import AttemptFinished, RunFinished, RunStarted, StepRecord, TaskCreated
from dockerflow.store.s3.objects import Hashed, ObjectInfo
from dockerflow.store.s3.place import Place
from dockerflow.store.s3.signing import Credentials
from dockerflow.store.s3_blobs import ONE_REQUEST, SMALL
from dockerflow.store.s3_store import S3Store
from tests.object_servers import Bucket


class Counting(SdkObjects):
    """Counts what it is asked for, and how often somebody waited for that alone."""

    def __init__(self, bucket: Bucket) -> None:
        server = bucket.server
        credentials = Credentials(server.access_key, server.secret_key)
        super().__init__(Place(server.endpoint, bucket.name), Identity("the tests", lambda: credentials))
        self.asked: Counter[str] = Counter()
        self.alone = 0

    # `get` asks by this.
    def get_hashed(self, key: str) -> Hashed | None:
        self._count("get")
        return super().get_hashed(key)

    def _count(self, what: str) -> None:
        self.asked[what] += 1
        self.alone += threading.current_thread() is threading.main_thread()

    def get_range(self, key: str, start: int, length: int) -> bytes | None:
        self._count("get")
        return super().get_range(key, start, length)

    def put(self, key: str, data: Chunk, new: bool = False) -> bool:
        self.asked["put"] += 1
        return super().put(key, data, new)

    def put_large(self, key: str, chunks: Iterable[Chunk], size: int, sha256: str) -> None:
        self.asked["put"] += 1
        super().put_large(key, chunks, size, sha256)

    def head(self, key: str) -> ObjectInfo | None:
        self.asked["head"] += 1
        return super().head(key)

    def every(self, prefix: str) -> Iterator[ObjectInfo]:
        self.asked["list"] += 1
        return super().every(prefix)

    def children(self, prefix: str) -> list[str]:
        self.asked["list"] += 1
        return super().children(prefix)

    def delete(self, keys: Iterable[str], once: bool = False) -> None:
        self.asked["delete"] += 1
        super().delete(keys, once)


@pytest.fixture
def objects(minio_bucket: Bucket) -> Counting:
    return Counting(minio_bucket)


@pytest.fixture
def store(objects: Counting, tmp_path: Path) -> S3Store:
    return S3Store(objects, tmp_path)


def asked(objects: Counting) -> dict[str, int]:
    """Since it was last looked at."""
    found = dict(objects.asked)
    objects.asked.clear()
    objects.alone = 0
    return found


def test_a_small_blob_is_read_once(store: S3Store, objects: Counting) -> None:
    sha256 = store.blobs.put([b"x"])
    assert asked(objects) == {"put": 1}
    assert [bytes(store.blobs.get(sha256)) for _ in range(3)] == [b"x"] * 3
    assert asked(objects) == {"get": 1}


def test_what_is_remembered_is_bounded(store: S3Store, objects: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that were read last stay; a large one is not remembered at all."""
    monkeypatch.setattr(s3_blobs, "REMEMBERED", 3000)
    monkeypatch.setattr(s3_blobs, "MEMORABLE", 1000)
    names = [store.blobs.put([bytes([number]) * 1000]) for number in range(4)]
    large = store.blobs.put([b"x" * 1001])
    asked(objects)
    for sha256 in (*names[:3], names[0], names[3], names[0], large, large):
        store.blobs.get(sha256)
    assert asked(objects) == {"get": 6}
    store.blobs.get(names[1])
    assert asked(objects) == {"get": 1}


@pytest.mark.parametrize(("size", "again"), [(SMALL, "put"), (SMALL + 1, ""), (ONE_REQUEST + 1, "")])
def test_a_blob_that_is_there_is_not_sent_again(store: S3Store, objects: Counting, size: int, again: str) -> None:
    """A small one is, in the very request that asks whether it is there."""
    store.blobs.put([b"x" * size])
    assert asked(objects)["put"] == 1
    store.blobs.put([b"x" * size])
    assert asked(objects) == {"head": 1, **({again: 1} if again else {})}


def test_a_journal_costs_one_request_for_each_flush_and_two_for_a_merge(store: S3Store, objects: Counting) -> None:
    writer = JournalWriter(store, "F", "1")
    asked(objects)
    for number in range(MERGE + 1):
        writer.append(TaskCreated(float(number), "step", str(number)))
        writer.flush()
    assert asked(objects) == {"put": MERGE + 1 + 1, "delete": 1}
    writer.close()
    assert asked(objects) == {"put": 1, "delete": 1}
    assert len(journal.read(store, "F", "1")) == MERGE + 1
    assert asked(objects) == {"list": 1, "get": 1}


def test_a_list_of_runs_costs_one_request_for_each_and_a_listing(store: S3Store, objects: Counting) -> None:
    for run_id in map(str, range(20)):
        writer = JournalWriter(store, "F", run_id)
        writer.append(RunStarted(1.0, "F", run_id, "ada", "", "", ()))
        writer.append(RunFinished(2.0, "succeeded"))
        writer.close()
    asked(objects)
    assert len(overview.of_flow(store, "F")) == 20
    assert asked(objects) == {"list": 1, "get": 20}
    assert len(runs.run_ids(store, "F")) == 20
    assert asked(objects) == {"list": 1}


WIDTH = 100


@pytest.fixture
def wide_run(store: S3Store) -> str:
    """Of steps `a` and `b`: each task of the second goes on with the artifacts of one of the first."""
    writer = JournalWriter(store, "F", "1")
    writer.append(RunStarted(1.0, "F", "1", "ada", "", "", (StepRecord("a", ("b",)), StepRecord("b", ()))))
    for number in range(WIDTH):
        first = manifest.write(store.blobs, {"x": number, "large": b"x" * 70_000 + bytes([number])}, {})
        second = manifest.write(store.blobs, {"y": -number}, manifest.read(store.blobs, first).artifacts)
        for step, task_id, written in (("a", f"a{number}", first), ("b", f"b{number}", second)):
            writer.append(TaskCreated(2.0, step, task_id))
            writer.append(AttemptFinished(3.0, step, task_id, 0, ok=True, final=True, manifest=written))
    writer.append(RunFinished(4.0, "succeeded"))
    writer.close()
    return "F/1"


@pytest.fixture
def read(wide_run: str, objects: Counting, tmp_path: Path) -> Iterator[Run]:
    """The wide run, of which nothing was read but its journal."""
    run = Run(wide_run, store=S3Store(objects, tmp_path), _namespace_check=False)
    run["b"]
    asked(objects)
    yield run
    source._known.clear()
    source._latest.clear()


@pytest.mark.parametrize("backwards", [False, True])
def test_results_of_many_tasks_are_read_several_at_a_time(read: Run, objects: Counting, backwards: bool) -> None:
    """Each is one request, as before; but for the first nobody waits alone."""
    tasks = list(read["a"])[:: -1 if backwards else 1]
    assert sum(task.data.x for task in tasks) == sum(range(WIDTH))
    assert (objects.alone, asked(objects)) == (1, {"get": WIDTH})


def test_artifacts_that_tasks_have_passed_on_are_read_several_at_a_time(read: Run, objects: Counting) -> None:
    assert sum(task.data.x + task.data.y for task in read["b"]) == 0
    assert (objects.alone, asked(objects)) == (2, {"get": 2 * WIDTH})
    assert {len(task.data.large) for task in read["a"]} == {70_001}
    assert (objects.alone, asked(objects)) == (1, {"get": WIDTH})


def test_who_wants_one_task_alone_reads_no_other(read: Run, objects: Counting) -> None:
    assert [task.data.x for task in islice(read["a"], 1)] == [WIDTH - 1]
    assert asked(objects) == {"get": 1}
    assert [read["a"][f"a{number}"].data.x for number in (3, 50, 90, 20)] == [3, 50, 90, 20]
    assert asked(objects) == {"get": 4}


def test_what_is_found_by_its_name_costs_few_requests(store: S3Store, wide_run: str, objects: Counting) -> None:
    """Whether it is there, how its run began, and the files of its tags; then the journal, once."""
    namespace("user:ada")
    source._known.clear()
    source._latest.clear()
    asked(objects)
    run = Run(wide_run, store=store)
    assert asked(objects) == {"list": 2, "get": 1}
    assert run.successful
    assert asked(objects) == {"list": 1, "get": 1}
    for number in range(3):
        Task(f"{wide_run}/a/a{number}", store=store)
    assert asked(objects) == {"list": 6}
    with pytest.raises(NotFound, match="there is no run `2` in flow `F`"):
        Task("F/2/a/a1", store=store)


def test_runs_of_a_namespace_cost_one_request_for_each_and_a_listing(store: S3Store, objects: Counting) -> None:
    for run_id in map(str, range(1, 21)):
        writer = JournalWriter(store, "F", run_id)
        writer.append(RunStarted(1.0, "F", run_id, "ada", "", "", (), tags=("mine",)))
        writer.append(RunFinished(2.0, "succeeded"))
        writer.close()
    namespace("mine")
    flow = Flow("F", store=store)
    source._latest.clear()
    asked(objects)
    assert len(list(flow)) == 20
    assert asked(objects) == {"list": 1, "get": 20}
    source._latest.clear()
    assert [run.status for run in flow] == ["succeeded"] * 20
    assert asked(objects) == {"list": 1, "get": 40}
