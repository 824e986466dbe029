"""Which runs there are, in every kind of store, and what a list of them shows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from dockerflow.store import history, overview, run_tags, runs, tags
from dockerflow.store.base import Store
from dockerflow.store.errors import DamagedRecord
from dockerflow.store.journal import JournalWriter
from dockerflow.store.overview import RunOverview
from dockerflow.store.records import RunFinished, RunStarted, StepRecord, TaskCreated
from dockerflow.store.runs import journal_key


def test_runs_are_listed_newest_first(store: Store) -> None:
    times = iter([3.0, 1.0, 2.0])
    made = [runs.new_run_id(store, "F", lambda: next(times)) for _ in range(3)]
    for run_id in made:
        begin(store, run_id)
    assert runs.run_ids(store, "F") == [made[0], made[2], made[1]] == ["3000000", "2000000", "1000000"]
    assert runs.flow_names(store) == ["F"]
    assert runs.run_ids(store, "G") == []


def test_a_run_that_has_written_nothing_has_not_begun(store: Store) -> None:
    run_id = runs.new_run_id(store, "F")
    assert (runs.has_begun(store, "F", run_id), runs.run_ids(store, "F")) == (False, [])
    begin(store, run_id)
    assert (runs.has_begun(store, "F", run_id), runs.run_ids(store, "F")) == (True, [run_id])


def begin(store: Store, run_id: str) -> None:
    writer = JournalWriter(store, "F", run_id)
    writer.append(RunFinished(0.0, "stopped"))
    writer.close()


def test_runs_that_begin_at_one_moment_get_ids_of_their_own(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: runs.new_run_id(store, "F", lambda: 1.0), range(32)))
    assert sorted(made) == [str(1_000_000 + number) for number in range(32)]


# --- what a list shows

STEPS = tuple(StepRecord(f"step_{number}", (f"step_{number + 1}",), "says what it does " * 50) for number in range(40))


def write(store: Store, run_id: str, status: str | None, tasks: int = 0, flushing: bool = False) -> RunStarted:
    """A run with this end, or without one."""
    number = float(run_id)
    started = RunStarted(number, "F", run_id, f"user {run_id}", "", "", STEPS, tags=(f"tag {run_id}",))
    writer = JournalWriter(store, "F", run_id)
    writer.append(started)
    for task in range(tasks):
        writer.append(TaskCreated(number, "step_0", str(task)))
        if flushing:
            writer.flush()
    if status:
        writer.append(RunFinished(number + 5, status))
        writer.close()
    writer.flush()
    return started


def read_as_a_whole(store: Store) -> list[RunOverview]:
    """The same, by reading all there is."""
    found = []
    for run_id in runs.run_ids(store, "F"):
        run = history.read(store, "F", run_id)
        its_tags = run_tags.read(store, run.started) if run.started else frozenset()
        status = history.status_now(store, "F", run_id, run)
        found.append(RunOverview(run_id, status, run.started, run.finished, its_tags))
    return found


def test_a_list_shows_what_reading_the_journals_would(store: Store) -> None:
    """Runs that are over, with short and long journals; that go on; that were killed; with changed tags; of nothing."""
    write(store, "1", "succeeded")
    write(store, "2", "failed", tasks=1000)
    changed = write(store, "3", "stopped", tasks=10, flushing=True)
    run_tags.mutate(store, changed, tags.change(["tag 3"], ["other"]))
    write(store, "4", None, tasks=3, flushing=True)
    write(store, "5", None, tasks=3, flushing=True)
    store.put("runs/F/6/claim", b"")
    store.put("runs/G/7/claim", b"")
    with runs.hold(store, "F", "5"):
        found = overview.of_flow(store, "F")
        assert found == read_as_a_whole(store)
    assert [(run.run_id, run.status) for run in found] == [
        ("5", "running"),
        ("4", "killed"),
        ("3", "stopped"),
        ("2", "failed"),
        ("1", "succeeded"),
    ]
    assert found[2].tags == {"other"}
    assert overview.of_flow(store, "nothing") == []


def test_a_run_whose_parts_were_not_deleted_is_listed_as_it_is(store: Store) -> None:
    """Its scheduler was killed between the last merge and its end."""
    write(store, "1", "succeeded", tasks=3)
    first_line = store.first_line(store.keys(journal_key("F", "1"))[0]) or b""
    store.put(f"{journal_key('F', '1')}/0000000000-0000000000.jsonl", first_line)
    assert overview.of_flow(store, "F") == read_as_a_whole(store)
    assert [run.status for run in overview.of_flow(store, "F")] == ["succeeded"]


@pytest.mark.parametrize("body", [b"{", b"[1]\n[2]\n"])
def test_a_damaged_journal_is_named(store: Store, body: bytes) -> None:
    store.put(f"{journal_key('F', '1')}/0000000000-0000000000.jsonl", body)
    with pytest.raises(DamagedRecord, match="damaged"):
        overview.of_flow(store, "F")


def test_a_run_whose_beginning_a_power_cut_took_is_listed(store: Store) -> None:
    store.put(f"{journal_key('F', '1')}/0000000000-0000000000.jsonl", b"")
    assert overview.of_flow(store, "F") == [RunOverview("1", "killed", None, None, frozenset())]
