"""Whole runs on the process engine: everything but the images and the containers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from dockerflow import progress
from dockerflow.client import Flow, Run
from dockerflow.config import load_config
from dockerflow.flow.errors import FlowError
from dockerflow.flow.loading import load
from dockerflow.flow.parameters import resolve
from dockerflow.scheduler.errors import RunError
from dockerflow.scheduler.launch import RunOutcome, RunRequest, launch
from dockerflow.store import journal
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.records import AttemptFinished, AttemptStarted, RunFinished

HEAD = "from dockerflow import FlowSpec, Parameter, catch, retry, step, current\n"


@pytest.fixture(autouse=True)
def _ada(monkeypatch):
    """Who reads the runs is who ran them."""
    monkeypatch.setenv("DOCKERFLOW_USER", "ada")


@pytest.fixture
def run(tmp_path):
    """Run the flow with this source; parameters as on the command line."""

    def run_source(source: str, notify=progress.ignore, max_workers: int = 2, **given: str) -> RunOutcome:
        file = tmp_path / "flow.py"
        file.write_text(HEAD + textwrap.dedent(source))
        loaded = load(file)
        request = RunRequest(
            loaded=loaded,
            parameters=resolve(loaded, given),
            config=load_config(tmp_path),
            store=DirectoryStore(tmp_path / ".dockerflow"),
            user="ada",
            max_workers=max_workers,
            run_id_file=tmp_path / "run-id",
            engine="process",
        )
        return launch(request, notify)

    return run_source


def read(tmp_path: Path, outcome: RunOutcome) -> Run:
    return Run(f"{outcome.flow}/{outcome.run_id}", store=DirectoryStore(tmp_path / ".dockerflow"))


LINEAR = """
    class Linear(FlowSpec):
        alpha = Parameter("alpha", default=2)

        @step
        def start(self):
            self.x = [self.alpha]
            print("first line")
            self.next(self.end)

        @step
        def end(self):
            self.x.append(3)
"""


def test_a_run_leaves_what_its_steps_computed(run, tmp_path):
    outcome = run(LINEAR, alpha="5")
    assert outcome.status == "succeeded"
    results = read(tmp_path, outcome)
    assert results.successful
    assert results["start"].task.data.x == [5]
    assert results.data.x == [5, 3]
    assert results["start"].task.stdout == "first line\n"


def test_a_join_receives_its_inputs_in_foreach_order(run, tmp_path):
    outcome = run("""
    import time

    class Wide(FlowSpec):
        @step
        def start(self):
            self.xs = list(range(20))
            self.next(self.work, foreach="xs")

        @step
        def work(self):
            self.y = self.input * 10
            self.next(self.join)

        @step
        def join(self, inputs):
            self.ys = [task.y for task in inputs]
            self.next(self.end)

        @step
        def end(self):
            pass
    """)
    assert read(tmp_path, outcome).data.ys == [10 * x for x in range(20)]


def test_a_failed_run_says_why_in_its_journal(run, tmp_path):
    outcome = run("""
    class Fails(FlowSpec):
        @step
        def start(self):
            self.kept = 1
            raise KeyError("no such film")
            self.next(self.end)

        @step
        def end(self):
            pass
    """)
    assert outcome.status == "failed"
    records = journal.read(DirectoryStore(tmp_path / ".dockerflow"), outcome.flow, outcome.run_id)
    (ended,) = [r for r in records if isinstance(r, AttemptFinished)]
    assert ended.failure.type_name == "builtins.KeyError"
    assert "no such film" in ended.failure.traceback
    assert records[-1] == RunFinished(records[-1].time, "failed", outcome.reason)
    assert read(tmp_path, outcome)["start"].task.data.kept == 1


def test_a_failed_attempt_is_tried_again_and_the_last_one_counts(run, tmp_path):
    outcome = run("""
    class Retries(FlowSpec):
        @retry(times=2, minutes_between_retries=0)
        @step
        def start(self):
            self.attempt = current.retry_count
            if self.attempt < 2:
                raise ValueError("not yet")
            self.next(self.end)

        @step
        def end(self):
            pass
    """)
    assert outcome.status == "succeeded"
    assert read(tmp_path, outcome)["start"].task.data.attempt == 2


def test_a_crash_is_caught_in_one_more_attempt(run, tmp_path):
    outcome = run("""
    import os, signal

    class Crashes(FlowSpec):
        @catch(var="failed")
        @step
        def start(self):
            os.kill(os.getpid(), signal.SIGKILL)
            self.next(self.end)

        @step
        def end(self):
            pass
    """)
    assert outcome.status == "succeeded", outcome.reason
    assert "SIGKILL" in str(read(tmp_path, outcome)["start"].task.data.failed.exception)


def test_the_run_id_is_on_disk_before_the_first_task_starts(run, tmp_path):
    outcome = run(f"""
    class Early(FlowSpec):
        @step
        def start(self):
            self.found = open({str(tmp_path / "run-id")!r}).read()
            self.next(self.end)

        @step
        def end(self):
            pass
    """)
    assert read(tmp_path, outcome)["start"].task.data.found == outcome.run_id


def test_a_wrong_graph_leaves_no_run(run, tmp_path):
    with pytest.raises(FlowError):
        run("""
        class Wrong(FlowSpec):
            @step
            def start(self):
                self.next(self.nowhere)

            @step
            def end(self):
                pass
        """)
    assert not (tmp_path / ".dockerflow").exists()


def test_the_outbox_is_gone_when_the_run_has_ended(run, tmp_path):
    run(LINEAR)
    assert not list((tmp_path / ".dockerflow").rglob("outbox"))


def test_who_watches_is_told_of_everything_in_order(run):
    events: list[progress.Event] = []
    run(LINEAR, notify=events.append, max_workers=1)
    told = [type(event).__name__ for event in events if not isinstance(event, progress.ContainerStarting)]
    task = ["TasksCreated", "AttemptBegan", "AttemptEnded"]
    without_output = [name for name in told if name != "TaskPrinted"]
    assert sorted(without_output) == sorted(["CodePacked", "RunBegan", *task, *task, "RunEnded"])
    assert (told[0], told[1], told[-1]) == ("CodePacked", "RunBegan", "RunEnded")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_run_and_the_journal_says_so(number, tmp_path):
    file = tmp_path / "flow.py"
    marker = tmp_path / "running"
    file.write_text(
        HEAD
        + textwrap.dedent(f"""
    import pathlib, time

    class Long(FlowSpec):
        @step
        def start(self):
            pathlib.Path({str(marker)!r}).touch()
            time.sleep(600)
            self.next(self.end)

        @step
        def end(self):
            pass
    """)
    )
    script = textwrap.dedent(f"""
    from pathlib import Path
    from dockerflow.config import load_config
    from dockerflow.flow.loading import load
    from dockerflow.scheduler.launch import RunRequest, launch
    from dockerflow.store.directory import DirectoryStore
    folder = Path({str(tmp_path)!r})
    store, flow = DirectoryStore(folder / ".dockerflow"), load(folder / "flow.py")
    outcome = launch(RunRequest(flow, {{}}, load_config(folder), store, "ada", engine="process"))
    print(outcome.run_id, outcome.status, outcome.reason)
    """)
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True)
    while not marker.exists():
        assert child.poll() is None
    os.kill(child.pid, number)
    out, _ = child.communicate(timeout=30)
    run_id, status, reason = out.split()
    assert (status, reason) == ("stopped", {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}[number])
    records = journal.read(DirectoryStore(tmp_path / ".dockerflow"), "Long", run_id)
    assert isinstance(records[-1], RunFinished)
    assert records[-1].status == "stopped"


def test_a_flow_may_have_a_name_that_no_container_can_have(run, tmp_path):
    outcome = run(LINEAR.replace("Linear", "Flüsse"))
    records = journal.read(DirectoryStore(tmp_path / ".dockerflow"), "Flüsse", outcome.run_id)
    names = [record.container for record in records if isinstance(record, AttemptStarted)]
    assert names == [f"dockerflow-Fl_sse-{outcome.run_id}-start-1"] * 2


def test_a_run_id_file_that_cannot_be_written_leaves_no_run(run, tmp_path):
    (tmp_path / "run-id").mkdir()
    with pytest.raises(RunError, match="run-id") as caught:
        run(LINEAR)
    assert caught.value.hint == "name another file with `--run-id-file`"
    store = DirectoryStore(tmp_path / ".dockerflow")
    assert list(Flow("Linear", store=store, _namespace_check=False)) == []
