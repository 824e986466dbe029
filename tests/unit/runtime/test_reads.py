"""A result says which parameters its task has read, in whatever way; where that cannot be known, it says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.flow.loading import LoadedFlow
from dockerflow.runtime.messages import Input, RunTask, TaskResult, from_json, to_json
from dockerflow.runtime.task import run_task
from dockerflow.store import manifest
from dockerflow.store.blobs import Blobs
from dockerflow.store.records import Failure
from tests.driver import drive
from tests.unit.flow.sources import loaded, written

FLOW = """
        import os
        from multiprocessing import get_context
        from threading import Thread
        from dockerflow import Config, IncludeFile, Parameter, Run, card, catch, current
        class F(FlowSpec):
            alpha = Parameter("alpha", default=1)
            other = Parameter("the-other", default="x")
            items = Parameter("items", default="a,b", separator=",")
            text = IncludeFile("text", default=__file__)
            config = Config("config", default_value={{"a": 1}})
            constant = 3

            def nested(self):
                return self.alpha

            @property
            def half(self):
                return self.alpha / 2

            {decorator}
            @step
            def start(self):
                {body}
                self.next(self.end)
            @step
            def end(self):
                pass
"""


class Start:
    """The step `start` of a flow with this body."""

    def __init__(self, folder: Path, body: str, decorator: str = "") -> None:
        self.flow: LoadedFlow = loaded(
            folder, FLOW.format(body=body.replace("\n", "\n" + 16 * " "), decorator=decorator)
        )
        self.blobs = Blobs(folder / "blobs")
        values = {"alpha": 1, "other": "x", "items": ["a", "b"], "text": "content", "config": {"a": 1}}
        self.parameters = manifest.write(self.blobs, values, {})

    def run(self, fallback: Failure | None = None) -> TaskResult:
        request = RunTask("F", "1", "start", "1", 0, True, self.parameters, (), fallback=fallback)
        return run_task(self.flow.cls, self.flow.flow, request, self.blobs)


WAYS = {
    "pass": (),
    "self.x = self.constant": (),
    "self.x = current.parameter_names": ("current.parameter_names",),
    "self.x = current.get('tags')": ("current.tags",),
    "if 'username' in current: self.x = current.namespace": ("current.namespace", "current.username"),
    "current.retry_count; self.x = current.graph['doc']": ("current.graph", "current.retry_count"),
    "current.run_id; current.pathspec; current.task_id; current.step_name; current.tempdir": (),
    "self.alpha": ("alpha",),
    "self.other; self.alpha; self.alpha": ("alpha", "other"),
    "getattr(self, 'al' + 'pha')": ("alpha",),
    "hasattr(self, 'alpha')": ("alpha",),
    "self.nested()": ("alpha",),
    "self.half": ("alpha",),
    "[getattr(self, name) for name in dir(self) if name in current.parameter_names]": (
        "alpha",
        "config",
        "current.parameter_names",
        "items",
        "other",
        "text",
    ),
    "self.text": ("text",),
    "self.config.a": ("config",),
    "t = Thread(target=self.nested); t.start(); t.join()": ("alpha",),
    "p = os.fork()\nif not p:\n    self.alpha; os._exit(0)\nos.waitpid(p, 0)": ("alpha",),
    "p = get_context('fork').Process(target=lambda: self.alpha); p.start(); p.join()": ("alpha",),
    "Run": (),
    "current.run; current.task.id": (),
    "self.alpha; current.run in [] or list(current.run)": None,
    "try: Run('F/1')\nexcept Exception: pass": None,
    "p = os.fork()\nif not p:\n    try: current.run.tags\n    finally: os._exit(0)\nos.waitpid(p, 0)": None,
}


@pytest.mark.parametrize("body", WAYS)
def test_every_way_of_reading_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    monkeypatch.setenv("DOCKERFLOW_STORE", str(tmp_path))
    result = Start(tmp_path, body).run()
    assert result.ok or "NotFound" in str(result.failure)  # there is no such run
    assert result.read == WAYS[body]
    assert from_json(TaskResult, to_json(result)) == result


def test_what_a_failed_attempt_had_read_is_said(tmp_path: Path) -> None:
    result = Start(tmp_path, "self.alpha / 0").run()
    assert (result.ok, result.read) == (False, ("alpha",))


def test_what_a_process_had_read_that_crashed_is_not_known(tmp_path: Path) -> None:
    start = Start(tmp_path, "self.alpha", "@catch(var='failed')")
    crashed = start.run(fallback=Failure("signal", "it was killed"))
    assert (crashed.ok, crashed.caught, crashed.read) == (True, True, None)
    assert start.run().read == ("alpha",)


@pytest.mark.parametrize(
    ("decorator", "body", "read"),
    [
        ("@card", "pass", ("alpha", "config", "items", "other", "text")),
        ("@card(type='blank')", "self.other", ("other",)),
    ],
)
def test_a_card_has_read_the_parameters_that_it_shows(
    tmp_path: Path, decorator: str, body: str, read: tuple[str, ...]
) -> None:
    assert Start(tmp_path, body, decorator).run().read == read


FOREACH = """
        from dockerflow import Parameter
        class F(FlowSpec):
            alpha = Parameter("alpha", default=1)
            beta = Parameter("beta", default=1)
            items = Parameter("items", default="a,b", separator=",")
            @step
            def start(self):
                self.mine = [1, 2]
                self.next(self.outer, foreach="mine")
            @step
            def outer(self):
                self.x = self.input
                self.next(self.inner, foreach="items")
            @step
            def inner(self):
                self.stack = self.foreach_stack() if self.index else None
                self.next(self.close)
            @step
            def close(self, inputs):
                [each.alpha for each in inputs]
                self.next(self.join)
            @step
            def join(self, inputs):
                inputs[0].beta, inputs.close.alpha
                self.next(self.split)
            @step
            def split(self):
                self.next(self.merge, self.other)
            @step
            def merge(self):
                self.y = 1
                self.next(self.last)
            @step
            def other(self):
                self.kind = "x"
                self.next(self.last)
            @step
            def last(self, inputs):
                self.merge_artifacts(inputs)
                self.next(self.end)
            @step
            def end(self):
                pass
"""


def test_foreaches_over_a_parameter_and_inputs_of_joins_count(tmp_path: Path) -> None:
    ran = drive(written(tmp_path, FOREACH), tmp_path / "blobs")
    read = {(each.step, each.indices): each.result.read for each in ran.ran}
    assert read["start", ()] == ()
    assert read["outer", (0,)] == ("items",)
    assert (read["inner", (0, 0)], read["inner", (0, 1)]) == ((), ("items",))
    assert read["close", (0,)] == ("alpha",)
    assert read["join", ()] == ("alpha", "beta")
    assert read["last", ()] == ()


SWITCH = """
        from dockerflow import Parameter, parallel
        class F(FlowSpec):
            alpha = Parameter("alpha", default="a")
            beta = Parameter("beta", default=1)
            @step
            def start(self):
                self.next({"a": self.work, "b": self.end}, condition="alpha")
            @step
            def work(self):
                self.next(self.many, num_parallel=self.beta)
            @parallel
            @step
            def many(self):
                self.next(self.join)
            @step
            def join(self, inputs):
                self.next(self.end)
            @step
            def end(self):
                pass
"""


def test_a_switch_and_a_gang_by_a_parameter_count(tmp_path: Path) -> None:
    ran = drive(written(tmp_path, SWITCH), tmp_path / "blobs")
    assert {each.step: each.result.read for each in ran.ran} == {
        "start": ("alpha",),
        "work": ("beta",),
        "many": (),
        "join": (),
        "end": (),
    }


PASSED_ON = """
        from dockerflow import Parameter
        class F(FlowSpec):
            alpha = Parameter("alpha", default=1)
            @step
            def start(self):
                self.x = 1
                self.next(self.end)
            @step
            def end(self):
                self.y = self.x + self.alpha
"""


def test_a_task_has_the_parameters_of_its_run_and_not_those_of_its_input(tmp_path: Path) -> None:
    """The input may be another run's, taken over since it had not read them."""
    driver = drive(written(tmp_path, PASSED_ON), tmp_path / "blobs")
    blobs, given = Blobs(driver.root), driver.task("start").result.manifest
    assert given is not None
    changed = manifest.write(blobs, {"alpha": 5}, {})
    request = RunTask("F", "2", "end", "2", 0, True, changed, (Input("start", "1", given),))
    result = run_task(driver.loaded.cls, driver.loaded.flow, request, blobs)
    assert result.manifest is not None
    refs = manifest.read(blobs, result.manifest).artifacts
    assert {name: manifest.load(blobs, ref) for name, ref in refs.items()} == {"alpha": 5, "x": 1, "y": 6}


JOINED = """
        from dockerflow import Parameter
        class F(FlowSpec):
            text = Parameter("text", default="")
            @step
            def start(self):
                self.next(self.a, self.b)
            @step
            def a(self):
                self.next(self.join)
            @step
            def b(self):
                self.next(self.join)
            @step
            def join(self, inputs):
                self.x = inputs.a.text
                self.next(self.end)
            @step
            def end(self):
                pass
"""


def test_a_join_has_the_parameters_of_its_run_in_its_inputs_too(tmp_path: Path) -> None:
    """Also where what it keeps of them is large, and is passed on as it is stored."""
    driver = drive(written(tmp_path, JOINED), tmp_path / "blobs")
    blobs = Blobs(driver.root)
    before, now = (manifest.write(blobs, {"text": letter * 2 * manifest.LARGE}, {}) for letter in "on")
    text = manifest.read(blobs, before).artifacts
    inputs = tuple(Input(name, name, manifest.write(blobs, {}, text)) for name in "ab")
    result = run_task(
        driver.loaded.cls, driver.loaded.flow, RunTask("F", "2", "join", "9", 0, True, now, inputs), blobs
    )
    assert result.manifest is not None, result.failure
    kept = manifest.load(blobs, manifest.read(blobs, result.manifest).artifacts["x"])
    assert (kept[0], len(kept)) == ("n", 2 * manifest.LARGE)
