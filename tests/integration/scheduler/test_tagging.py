"""Tags that steps change reach the store, however the attempt ends."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from dockerflow import progress
from dockerflow.client import Run
from dockerflow.config import load_config
from dockerflow.flow.loading import load
from dockerflow.scheduler.launch import RunRequest, launch
from dockerflow.store.directory import DirectoryStore

FLOW = """
import json, os, signal
from dockerflow import FlowSpec, current, retry, step

class Tags(FlowSpec):
    @retry(times=2, minutes_between_retries=0)
    @step
    def start(self):
        current.run.add_tag(f"attempt {current.retry_count}")
        if current.retry_count == 0:
            raise ValueError("after the tag")
        if current.retry_count == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        self.seen = sorted(current.run.user_tags)
        self.next(self.end)

    @step
    def end(self):
        self.seen = sorted(current.run.user_tags)
        # What the client would refuse: another program of the user's may write it.
        for number, (run_id, change) in enumerate([("1", {"add": ["x"]}), (current.run_id, {"remove": ["user:ada"]})]):
            asked = {"flow": "Tags", "run_id": run_id, "remove": [], "add": [], **change}
            with open(os.path.join(os.environ["DOCKERFLOW_OUTBOX"], f"tags-{number}.json"), "w") as file:
                json.dump(asked, file)
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Run, list[str]]:
    """A run of the flow above, and what was noted during it."""
    monkeypatch.setenv("DOCKERFLOW_USER", "ada")
    (tmp_path / "flow.py").write_text(textwrap.dedent(FLOW))
    store = DirectoryStore(tmp_path / ".dockerflow")
    request = RunRequest(
        load(tmp_path / "flow.py"), {}, load_config(tmp_path), store, "ada", tags=("given",), engine="process"
    )
    noted: list[str] = []
    outcome = launch(request, lambda event: noted.append(event.text) if isinstance(event, progress.Noted) else None)
    return Run(f"Tags/{outcome.run_id}", store=store), noted


def test_every_attempt_leaves_its_tags_and_the_next_sees_them(run: tuple[Run, list[str]]) -> None:
    found, _ = run
    tags = ["attempt 0", "attempt 1", "attempt 2", "given"]
    assert found["start"].task.data.seen == found.data.seen == tags
    assert sorted(found.user_tags) == tags


def test_what_cannot_be_changed_is_said_and_fails_nothing(run: tuple[Run, list[str]]) -> None:
    found, noted = run
    assert found.successful
    assert noted == [
        "the tags of `Tags/1` stay as they are: there is no run `Tags/1` to be tagged",
        f"the tags of `{found.pathspec}` stay as they are: the tag `user:ada` is a system tag of the run and cannot be "
        "removed",
    ]
    assert "x" not in found.user_tags


def test_a_program_that_a_step_starts_finds_the_store_and_the_user(tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_text(
        textwrap.dedent(
            """
            import json, subprocess, sys
            from dockerflow import FlowSpec, step

            ASK = '''
            import json
            from dockerflow import Metaflow, get_metadata, get_namespace
            print(json.dumps([get_metadata(), get_namespace(), [flow.id for flow in Metaflow()]]))
            '''

            class Starts(FlowSpec):
                @step
                def start(self):
                    asked = [sys.executable, "-c", "\\n".join(line.strip() for line in ASK.splitlines())]
                    self.answer = json.loads(subprocess.run(asked, stdout=subprocess.PIPE, check=True).stdout)
                    self.next(self.end)

                @step
                def end(self):
                    print(json.dumps(self.answer))
            """
        )
    )
    store = tmp_path / ".dockerflow"
    command = [Path(sys.executable).with_name("dockerflow"), "run", "flow.py", "--engine", "process", "--store", store]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    flow = DirectoryStore(store)
    (run_id,) = flow.children("runs/Starts")
    run = Run(f"Starts/{run_id}", store=flow, _namespace_check=False)
    assert json.loads(run.end_task.stdout) == [f"local@{store}", f"user:{run.user}", ["Starts"]]
