"""Steps read runs and tag them, from containers that may write nothing to the store, as another user."""

from __future__ import annotations

import json
import textwrap

import pytest

EARLIER = """
from dockerflow import FlowSpec, step

class Earlier(FlowSpec):
    @step
    def start(self):
        self.best = {"name": "Alien", "year": 1979}
        self.next(self.end)

    @step
    def end(self):
        pass
"""

READER = """
import os
from dockerflow import Flow, FlowSpec, Metaflow, Run, Task, current, get_metadata, get_namespace, namespace, step
from dockerflow.exception import MetaflowNamespaceMismatch, MetaflowNotFound, MetaflowTaggingError

class Reader(FlowSpec):
    @step
    def start(self):
        print("said by start")
        self.earlier = Flow("Earlier").latest_successful_run
        self.best = self.earlier["start"].task.data.best
        self.numbers = [0, 1]
        self.next(self.each, foreach="numbers")

    @step
    def each(self):
        first = Task(f"{current.flow_name}/{current.run_id}/start/1")
        self.heard, self.given = first.stdout, first.data.best
        self.me = current.task
        current.run.add_tags(["mine", f"each {self.input}"])
        self.seen_at_once = sorted(current.run.user_tags & {"mine", f"each {self.input}"})
        self.earlier.add_tag("read by another")
        self.next(self.join)

    @step
    def join(self, inputs):
        self.merge_artifacts(inputs, include=["best", "heard", "given", "earlier"])
        self.tasks = [each.me for each in inputs]
        self.seen_at_once = [each.seen_at_once for each in inputs]
        self.seen_later = sorted(current.run.user_tags), sorted(self.earlier.user_tags)
        self.indexes = [task.index for task in self.tasks]
        self.errors = []
        for do in (
            lambda: current.run.remove_tag("user:ada"),
            lambda: Run("Reader/1"),
            lambda: namespace("user:bob") and Flow("Earlier"),
        ):
            try:
                do()
            except (MetaflowNamespaceMismatch, MetaflowNotFound, MetaflowTaggingError) as error:
                self.errors.append(type(error).__name__)
        self.next(self.end)

    @step
    def end(self):
        self.where = get_namespace(), get_metadata(), [flow.id for flow in Metaflow()]
        self.code = current.run.code.script_name
        self.folders = sorted(os.listdir("/dockerflow"))
        self.refused = []
        for path in ("runs/new", "blobs/new", f"runs/Reader/{current.run_id}/claim"):
            try:
                open("/dockerflow/" + path, "a").close()
            except OSError as error:
                self.refused.append(type(error).__name__)
"""


@pytest.fixture
def _ada(monkeypatch):
    monkeypatch.setenv("DOCKERFLOW_USER", "ada")


@pytest.mark.usefixtures("_ada")
def test_a_step_in_a_container_reads_runs_and_tags_them(dockerflow, results, tmp_path):
    for name, text in (("earlier", EARLIER), ("reader", READER)):
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(text))
    dockerflow("run", "earlier.py", "--tag", "nice")
    dockerflow("run", "reader.py", "--max-workers", 2)
    run = results.Flow("Reader").latest_run
    data = run.data
    assert run.successful

    assert data.best == data.given == {"name": "Alien", "year": 1979}
    assert data.heard == "said by start\n"
    assert data.where == ("user:ada", "local@/dockerflow", ["Earlier", "Reader"])
    assert data.errors == ["TaggingError", "NotFound", "NamespaceMismatch"]
    assert data.code == "reader.py"

    assert data.seen_at_once == [["each 0", "mine"], ["each 1", "mine"]]
    assert data.seen_later == (["each 0", "each 1", "mine"], ["nice", "read by another"])
    assert run.user_tags == {"each 0", "each 1", "mine"}
    listed = json.loads(dockerflow("tag", "list", "--flow", "Earlier", "--json", "--hide-system-tags").stdout)
    assert [each["tags"] for each in listed] == [["nice", "read by another"]]

    assert data.folders == ["blobs", "enter", "outbox", "runs"]  # `enter` is the image's own
    assert len(data.refused) == 3

    results.namespace("user:bob")
    try:
        assert [task.index for task in data.tasks] == data.indexes == [0, 1]
        assert data.earlier == results.Flow("Earlier", _namespace_check=False).latest_run
        assert data.tasks[0].parent.parent == run
    finally:
        results.default_namespace()
