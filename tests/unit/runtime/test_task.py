"""How one attempt of one task ends, and what it leaves."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dockerflow.flow.caught import Caught
from dockerflow.flow.current import current
from dockerflow.flow.loading import LoadedFlow
from dockerflow.runtime.messages import Input, RunTask, TaskResult, from_json, to_json
from dockerflow.runtime.task import run_task
from dockerflow.store import manifest
from dockerflow.store.blobs import Blobs
from dockerflow.store.records import Failure
from tests.driver import Driver, drive
from tests.unit.flow.sources import loaded, written

END = """
            @step
            def end(self):
                pass
"""


class OneTask:
    """Runs the step `start` of a flow whose body is given."""

    def __init__(self, folder: Path, body: str, decorators: str = "") -> None:
        indented = "\n".join(f"                {line}" for line in body.splitlines())
        head = f"            {decorators}\n" if decorators else ""
        text = f"        class F(FlowSpec):\n{head}            @step\n            def start(self):\n{indented}\n{END}"
        self.loaded: LoadedFlow = loaded(folder, text)
        self.root = folder / "blobs"
        self.request = RunTask("F", "1", "start", "1", 0, True, manifest.write(Blobs(self.root), {}, {}), ())

    def run(self, **changes: Any) -> TaskResult:
        request = replace(self.request, **changes)
        return run_task(self.loaded.cls, self.loaded.flow, request, Blobs(self.root))

    def artifacts(self, result: TaskResult) -> dict[str, Any]:
        assert result.manifest is not None
        blobs = Blobs(self.root)
        refs = manifest.read(blobs, result.manifest).artifacts
        return {name: manifest.load(blobs, ref) for name, ref in refs.items()}


@pytest.fixture
def one(tmp_path: Path) -> Callable[..., OneTask]:
    return lambda body, decorators="": OneTask(tmp_path, body, decorators)


def _driven(folder: Path, text: str) -> Driver:
    return drive(written(folder, text), folder / "blobs")


def test_result_names_transition_manifest_and_what_was_written(one: Callable[..., OneTask]) -> None:
    task = one("self.x = 1\nself.big = bytes(1 << 17)\nself.next(self.end)")
    result = task.run()
    assert (result.ok, result.transition and result.transition.steps, result.failure) == (True, ("end",), None)
    assert result.manifest in result.blobs
    assert len(result.blobs) == 2
    assert from_json(TaskResult, to_json(result)) == result


def test_failure_carries_the_users_traceback_with_its_causes(one: Callable[..., OneTask]) -> None:
    task = one(
        "try:\n    1 / 0\n"
        "except ZeroDivisionError as error:\n    raise ValueError('no') from error\n"
        "self.next(self.end)"
    )
    failure = task.run().failure
    assert failure is not None
    assert (failure.kind, failure.type_name, failure.message) == ("exception", "builtins.ValueError", "no")
    assert set(re.findall(r'File "(.*?)"', failure.traceback)) == {task.loaded.flow.file}
    assert failure.traceback.index("ZeroDivisionError") < failure.traceback.index("direct cause")
    assert failure.traceback.endswith("ValueError: no")


def test_artifacts_set_before_a_failure_are_kept(one: Callable[..., OneTask]) -> None:
    task = one("self.x = 1\nraise KeyError('k')\nself.next(self.end)")
    result = task.run()
    assert (result.ok, result.transition, task.artifacts(result)) == (False, None, {"x": 1})


def test_exception_without_a_text_of_its_own_is_still_a_failure(one: Callable[..., OneTask]) -> None:
    body = "class Odd(Exception):\n    def __str__(self):\n        return 1 / 0\nraise Odd()\nself.next(self.end)"
    failure = one(body).run().failure
    assert failure is not None
    assert failure.type_name.endswith("Odd")


@pytest.mark.parametrize(("call", "status"), [("sys.exit(3)", "3"), ("sys.exit('bye')", "1: bye"), ("sys.exit()", "0")])
def test_exit_in_a_step_is_a_failure_of_its_own_kind(call: str, status: str, one: Callable[..., OneTask]) -> None:
    failure = one(f"import sys\nself.x = 1\n{call}\nself.next(self.end)").run().failure
    assert failure is not None
    assert (failure.kind, failure.message) == ("exit", f"the step left Python with exit status {status}")


def test_exit_in_a_step_with_catch_keeps_what_was_set_before(one: Callable[..., OneTask]) -> None:
    task = one("import sys\nself.x = 1\nsys.exit(3)\nself.next(self.end)", "@catch(var='failed')")
    result = task.run()
    assert (result.ok, result.caught) == (True, True)
    artifacts = task.artifacts(result)
    assert (artifacts["x"], artifacts["failed"].type) == (1, "builtins.SystemExit")


def test_interrupt_is_never_caught(one: Callable[..., OneTask]) -> None:
    result = one("raise KeyboardInterrupt\nself.next(self.end)", "@catch(var='failed')").run()
    assert (result.ok, result.caught, result.failure and result.failure.kind) == (False, False, "signal")


def test_catch_acts_in_the_last_attempt_alone(one: Callable[..., OneTask]) -> None:
    task = one("raise ValueError('no')\nself.next(self.end)", "@catch(var='failed')")
    assert not task.run(last_attempt=False).ok
    result = task.run()
    assert (result.ok, result.caught, result.transition and result.transition.steps) == (True, True, ("end",))
    caught = task.artifacts(result)["failed"]
    assert isinstance(caught, Caught)
    assert (caught.type, caught.exception, caught.step) == ("builtins.ValueError", "no", "start")
    assert str(caught) == caught.stacktrace
    assert caught


def test_variable_of_catch_is_none_where_nothing_failed(one: Callable[..., OneTask]) -> None:
    task = one("self.next(self.end)", "@catch(var='failed')")
    assert task.artifacts(task.run()) == {"failed": None}


def test_catch_prints_the_failure_unless_told_not_to(
    one: Callable[..., OneTask], capsys: pytest.CaptureFixture[str]
) -> None:
    one("raise ValueError('no')\nself.next(self.end)", "@catch").run()
    assert "ValueError: no" in capsys.readouterr().out
    one("raise ValueError('no')\nself.next(self.end)", "@catch(print_exception=False)").run()
    assert capsys.readouterr() == ("", "")


def test_fallback_records_a_failure_without_running_the_step(one: Callable[..., OneTask]) -> None:
    task = one("self.ran = True\nself.next(self.end)", "@catch(var='failed')")
    failure = Failure("out_of_memory", "the step needed more than 64 MiB")
    result = task.run(fallback=failure, attempt=1)
    assert (result.ok, result.caught, result.failure) == (True, True, failure)
    artifacts = task.artifacts(result)
    assert list(artifacts) == ["failed"]
    assert (artifacts["failed"].type, artifacts["failed"].exception) == ("out_of_memory", failure.message)


def test_fallback_without_catch_stays_a_failure(one: Callable[..., OneTask]) -> None:
    failure = Failure("lost", "the container is gone")
    result = one("self.next(self.end)").run(fallback=failure)
    assert (result.ok, result.failure) == (False, failure)


def test_artifact_that_cannot_be_stored_is_named_with_type_and_step(one: Callable[..., OneTask]) -> None:
    task = one("import threading\nself.fine = 1\nself.lock = {'a': threading.Lock()}\nself.next(self.end)")
    result = task.run()
    assert result.failure is not None
    assert result.failure.kind == "artifact"
    said = 'step `start` cannot keep the artifact `lock` (dict): `lock["a"]` in it is a `_thread.lock` that cannot'
    assert result.failure.message.startswith(said)
    assert result.failure.message.count("artifact") == 1
    assert result.failure.hint
    assert task.artifacts(result) == {"fine": 1}


def test_function_of_a_module_is_an_artifact_like_any_value(tmp_path: Path) -> None:
    text = """
        def twice(x):
            return 2 * x
        class F(FlowSpec):
            @step
            def start(self):
                self.f, self.upper = twice, "a text".upper
                self.next(self.end)
            @step
            def end(self):
                self.y = self.f(4), self.upper()
    """
    assert _driven(tmp_path, text).task("end").artifacts["y"] == (8, "A TEXT")


@pytest.mark.parametrize("value", ["lambda x: x", "threading.Lock().acquire", "[lambda: 1]"])
def test_function_that_cannot_be_stored_fails_the_task_and_is_not_lost(value: str, one: Callable[..., OneTask]) -> None:
    failure = one(f"import threading\nself.f = {value}\nself.next(self.end)").run().failure
    assert failure is not None
    assert (failure.kind, failure.message.startswith("step `start` cannot keep the artifact `f` (")) == (
        "artifact",
        True,
    )
    assert failure.hint


def test_method_of_the_flow_itself_is_left_out(one: Callable[..., OneTask]) -> None:
    task = one("self.f = self.end\nself.x = 1\nself.next(self.end)")
    assert task.artifacts(task.run()) == {"x": 1}


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_step_may_close_its_streams(stream: str, one: Callable[..., OneTask], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, stream, io.TextIOWrapper(io.BytesIO()))
    task = one(f"import sys\nsys.{stream}.close()\nself.x = 1\nself.next(self.end)")
    result = task.run()
    assert (result.failure, task.artifacts(result)) == (None, {"x": 1})


def test_failure_is_caught_although_there_is_nowhere_to_print_it(
    one: Callable[..., OneTask], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO()))
    result = one("import sys\nsys.stdout.close()\n1 / 0\nself.next(self.end)", "@catch(var='failed')").run()
    assert (result.ok, result.caught) == (True, True)


def test_module_that_a_step_lacks_is_named_as_conda_calls_its_package(one: Callable[..., OneTask]) -> None:
    failure = one("from a_missing_library.deeper import x\nself.next(self.end)").run().failure
    assert failure is not None
    assert failure.hint == 'give the step the library: `@conda(libraries={"a_missing_library": ""})`'


def test_module_that_an_image_lacks_belongs_into_the_image(one: Callable[..., OneTask]) -> None:
    """`@conda` beside `@image` would be refused."""
    failure = one("import a_missing_library\nself.next(self.end)", "@image('x')").run().failure
    assert failure is not None
    assert failure.hint == (
        "put the library into the step's image, or take it by"
        ' `@conda(libraries={"a_missing_library": ""})` in place of `@image`'
    )


@pytest.mark.parametrize(
    ("file", "along"),
    [("data.csv", ", or send it along with `--package-suffixes .csv`"), ("data", ""), ("/no/data.csv", None)],
)
def test_file_that_is_not_in_the_steps_folder_is_answered_with_how_to_give_it(
    file: str, along: str | None, one: Callable[..., OneTask]
) -> None:
    failure = one(f"open({file!r})\nself.next(self.end)").run().failure
    assert failure is not None
    given = "a step begins in an empty folder: give the flow the file as an `IncludeFile`"
    assert failure.hint == ("" if along is None else given + along)


def test_artifact_that_cannot_be_stored_is_caught_like_an_exception(one: Callable[..., OneTask]) -> None:
    task = one("self.fine = 1\nself.f = (i for i in 'ab')\nself.next(self.end)", "@catch(var='failed')")
    result = task.run()
    assert (result.ok, result.caught) == (True, True)
    assert sorted(task.artifacts(result)) == ["failed", "fine"]


@pytest.mark.parametrize("value", ["self", "[self]"])
def test_flow_itself_is_no_artifact(value: str, one: Callable[..., OneTask]) -> None:
    failure = one(f"self.x = {value}\nself.next(self.end)").run().failure
    assert failure is not None
    assert (failure.kind, "a flow cannot be an artifact" in failure.message) == ("artifact", True)


def test_step_that_ends_without_next_failed(one: Callable[..., OneTask]) -> None:
    failure = one("self.x = 1\nif self.x:\n    return\nself.next(self.end)").run().failure
    assert failure is not None
    assert failure.message == "step `start` ended without `self.next`"


def test_next_must_say_what_the_source_says(tmp_path: Path) -> None:
    text = """
        class F(FlowSpec):
            @step
            def start(self):
                if True:
                    self.next(self.end)
                    return
                self.next(self.middle)
            @step
            def middle(self):
                self.next(self.end)
            @step
            def end(self):
                pass
    """
    failure = _driven(tmp_path, text).ran[0].result.failure
    assert failure is not None
    assert failure.message == "step `start` is followed by `end`, but the last line of its source says `middle`"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("[]", "the foreach of step `start` is over `self.xs`, which is empty"),
        ("3", "the foreach of step `start` is over `self.xs`, which is not iterable: 'int' object is not iterable"),
        ("iter([1])", "is not iterable: a `list_iterator` gives its items only once"),
        (None, "the foreach of step `start` is over `self.xs`, which does not exist"),
    ],
)
def test_foreach_needs_items(value: str | None, message: str, tmp_path: Path) -> None:
    failure = _driven(tmp_path, _foreach("pass" if value is None else f"self.xs = {value}")).ran[0].result.failure
    assert failure is not None
    assert message in failure.message


def _foreach(before: str, inside: str = "self.got = self.input") -> str:
    return f"""
        class F(FlowSpec):
            @step
            def start(self):
                {before}
                self.next(self.each, foreach="xs")
            @step
            def each(self):
                {inside}
                self.next(self.gather)
            @step
            def gather(self, inputs):
                self.all = [i.got for i in inputs]
                self.next(self.end)
            @step
            def end(self):
                pass
    """


@pytest.mark.parametrize(
    ("value", "items"),
    [
        ("{'a': 1, 'b': 2}", ["a", "b"]),
        ("{'b': 1, 'a': 2}.items()", None),
        ("range(2, 4)", [2, 3]),
        ("(None, 0)", [None, 0]),
        ("__import__('numpy').array([[1, 2], [3, 4]]).tolist()", [[1, 2], [3, 4]]),
        ("{1: 'b', 0: 'a'}", ["a", "b"]),
        ("__import__('pandas').DataFrame({'x': [1, 2], 'y': [3, 4]})", ["x", "y"]),
        ("__import__('pandas').Series([7, 8], index=[1, 0])", [8, 7]),
        ("__import__('collections').deque('ab')", ["a", "b"]),
    ],
)
def test_foreach_goes_over_anything_in_the_order_of_iteration(value: str, items: Any, tmp_path: Path) -> None:
    driver = _driven(tmp_path, _foreach(f"self.xs = {value}"))
    if items is None:  # a view of a dictionary cannot be stored
        assert driver.ran[0].result.failure is not None
    else:
        assert driver.task("gather").artifacts["all"] == items


def test_foreach_over_a_set_gives_each_item_once_whatever_order_another_process_has(tmp_path: Path) -> None:
    driver = _driven(tmp_path, _foreach("self.xs = {'a', 'b', 'c', 'd'}"))
    assert driver.task("start").artifacts["_foreach_items"] == driver.task("gather").artifacts["all"]


@pytest.mark.parametrize(
    "attribute",
    [
        "xs = [1, 2]",
        "xs = Parameter('xs', default=[1, 2])",
        "xs = property(lambda self: [1, 2])",
        "xs = IncludeFile('xs', default=__file__, parser=lambda text: [1, 2])",
    ],
)
def test_foreach_goes_over_what_the_class_has(attribute: str, tmp_path: Path) -> None:
    text = _foreach("pass").replace("@step", f"{attribute}\n            @step", 1)
    assert _driven(tmp_path, text).task("gather").artifacts["all"] == [1, 2]


def test_input_is_the_item_although_the_list_was_replaced(tmp_path: Path) -> None:
    driver = _driven(tmp_path, _foreach("self.xs = [1, 2]", "self.xs = 'other'; self.got = self.input"))
    assert driver.task("gather").artifacts["all"] == [1, 2]


def test_foreach_over_numpy_gives_its_rows(tmp_path: Path) -> None:
    text = _foreach("import numpy; self.xs = numpy.array([[1, 2], [3, 4]])", "self.got = self.input.sum()")
    assert [int(total) for total in _driven(tmp_path, text).task("gather").artifacts["all"]] == [3, 7]


LAZY = """
        class Unreadable:
            def __reduce__(self):
                return Unreadable.fail, ()
            @staticmethod
            def fail():
                raise ImportError("not here")
        class F(FlowSpec):
            @step
            def start(self):
                self.bad = Unreadable()
                self.large = list(range(100000))
                self.next(self.middle)
            @step
            def middle(self):
                {body}
                self.next(self.end)
            @step
            def end(self):
                pass
"""


def test_artifact_that_is_not_read_is_passed_on_and_not_loaded(tmp_path: Path) -> None:
    driver = LazyRun(tmp_path, "pass")
    assert driver.ok
    assert driver.refs("start")["bad"] == driver.refs("end")["bad"]


def test_artifact_that_cannot_be_read_is_a_failure_of_its_own_kind(tmp_path: Path) -> None:
    failure = LazyRun(tmp_path, "self.bad").failure
    assert failure is not None
    assert failure.kind == "artifact"
    assert "not here" in failure.message + failure.traceback


@pytest.mark.parametrize(
    ("body", "same"),
    [
        ("pass", True),
        ("self.large[0]", True),
        ("self.large.append(self.large.pop())", True),
        ("self.large[0] = 7", False),
        ("self.large = list(range(100000))", None),  # an equal value: its own ref, but the same bytes
    ],
)
def test_inherited_artifact_is_stored_again_only_if_it_was_changed(
    body: str, same: bool | None, tmp_path: Path
) -> None:
    run = LazyRun(tmp_path, body)
    before, after = run.refs("start")["large"], run.refs("middle")["large"]
    assert (before == after) is (same is not False)
    assert len({before.blob, after.blob}) == (2 if same is False else 1)


BY_ANOTHER_NAME = """
        class F(FlowSpec):
            @step
            def start(self):
                self.large = list(range(100000))
                self.small = [1]
                self.next(self.a, self.b)
            @step
            def a(self):
                self.same = self.large
                self.more = self.large
                self.next(self.join)
            @step
            def b(self):
                self.next(self.join)
            @step
            def join(self, inputs):
                self.kept = inputs.a.same
                self.other = inputs.b.large
                self.other.append(1)
                self.next(self.end)
            @step
            def end(self):
                pass
"""


def test_a_large_value_that_is_kept_by_another_name_is_not_written_again(tmp_path: Path) -> None:
    run = _driven(tmp_path, BY_ANOTHER_NAME)
    refs = {name: manifest.read(Blobs(tmp_path / "blobs"), str(run.task(name).result.manifest)).artifacts for name in
            ("start", "a", "join")}  # fmt: skip
    assert run.task("a").result.blobs == (run.task("a").result.manifest,)
    assert refs["a"]["same"] == refs["a"]["more"] == refs["join"]["kept"] == refs["start"]["large"]
    assert refs["join"]["kept"].step == "start"
    assert refs["join"]["other"].blob != refs["start"]["large"].blob
    assert run.task("join").artifacts["other"] == [*range(100000), 1]
    assert run.task("join").artifacts["kept"] == list(range(100000))


def test_a_hundred_small_artifacts_are_one_blob(one: Callable[..., OneTask]) -> None:
    result = one("for n in range(100): setattr(self, f'a{n}', [n])\nself.next(self.end)").run()
    assert result.blobs == (result.manifest,)


class LazyRun:
    """A run of LAZY, its refs read without loading any artifact."""

    def __init__(self, folder: Path, body: str) -> None:
        self.flow = loaded(folder, LAZY.format(body=body))
        self.root = folder / "blobs"
        self.results: dict[str, TaskResult] = {}
        parameters = manifest.write(Blobs(self.root), {}, {})
        inputs: tuple[Input, ...] = ()
        for step in ("start", "middle", "end"):
            request = RunTask("F", "1", step, step, 0, True, parameters, inputs)
            result = run_task(self.flow.cls, self.flow.flow, request, Blobs(self.root))
            self.results[step] = result
            if not result.ok:
                break
            assert result.manifest is not None
            inputs = (Input(step, step, result.manifest),)

    @property
    def ok(self) -> bool:
        return all(result.ok for result in self.results.values())

    @property
    def failure(self) -> Failure | None:
        return list(self.results.values())[-1].failure

    def refs(self, step: str) -> Any:
        sha256 = self.results[step].manifest
        assert sha256 is not None
        return manifest.read(Blobs(self.root), sha256).artifacts


def test_reading_an_artifact_in_one_branch_makes_no_conflict_when_merging(tmp_path: Path) -> None:
    text = """
        class F(FlowSpec):
            @step
            def start(self):
                word = "".join(["a", "b"])
                self.x = [word, word, "".join(["a", "b"])]
                self.next(self.a, self.b)
            @step
            def a(self):
                self.seen = len(self.x)
                self.next(self.join)
            @step
            def b(self):
                self.next(self.join)
            @step
            def join(self, inputs):
                self.merge_artifacts(inputs)
                self.next(self.end)
            @step
            def end(self):
                pass
    """
    assert _driven(tmp_path, text).task("end").artifacts == {"seen": 3, "x": ["ab", "ab", "ab"]}


def test_missing_artifact_is_explained(tmp_path: Path) -> None:
    text = """
        class F(FlowSpec):
            rate = Parameter("rate", default=1)
            @step
            def start(self):
                self.total = 1
                self.said = []
                for name in ("totl", "rat", "zzz"):
                    try:
                        getattr(self, name)
                    except AttributeError as error:
                        self.said.append(str(error))
                self.next(self.a, self.b)
            @step
            def a(self):
                self.next(self.join)
            @step
            def b(self):
                self.next(self.join)
            @step
            def join(self, inputs):
                self.asked = inputs.a.said
                try:
                    inputs.c
                except AttributeError as error:
                    self.of_inputs = str(error)
                try:
                    self.total
                except AttributeError as error:
                    self.of_join = str(error)
                self.next(self.end)
            @step
            def end(self):
                try:
                    self.total
                except AttributeError as error:
                    self.behind_join = str(error)
    """
    run = _driven(tmp_path, text)
    artifacts = run.task("join").artifacts
    assert artifacts["asked"] == [
        "step `start` has no artifact `totl`: did you mean `total`?",
        "step `start` has no artifact `rat`: did you mean `rate`?",
        "step `start` has no artifact `zzz`: it has `said`, `total`",
    ]
    assert artifacts["of_inputs"] == "no step `c` leads to this join; its inputs come from `a`, `b`"
    assert artifacts["of_join"].startswith("step `join` has no artifact `total`: a join inherits nothing")
    assert run.task("end").artifacts["behind_join"] == (
        "step `end` has no artifact `total`: it has `asked`, `of_inputs`, `of_join`; "
        "`join` passes on what it sets or merges with `self.merge_artifacts`"
    )


def test_current_is_the_task_while_it_runs(tmp_path: Path) -> None:
    text = """
        class F(FlowSpec):
            rate = Parameter("rate", default=1)
            @step
            def start(self):
                self.seen = (
                    current.flow_name, current.run_id, current.step_name, current.task_id, current.pathspec,
                    current.retry_count, current.username, current.namespace, current.parameter_names,
                    current.is_running_flow, current.get("nothing", 5), "step_name" in current,
                    list(current.graph["steps"]), current.origin_run_id,
                )
                self.next(self.end)
            @step
            def end(self):
                pass
    """
    assert _driven(tmp_path, text).task("start").artifacts["seen"] == (
        "F", "1", "start", "1", "F/1/start/1", 0, "tester", "user:tester", ["rate"], True, 5, True,
        ["start", "end"], None,
    )  # fmt: skip
    assert (current.is_running_flow, current.flow_name, current.pathspec) == (False, None, None)


def test_input_that_is_not_in_the_store_is_a_failure(one: Callable[..., OneTask]) -> None:
    result = one("self.next(self.end)").run(parameters="0" * 64)
    assert result.failure is not None
    assert (result.ok, result.manifest, result.failure.kind) == (False, None, "artifact")
