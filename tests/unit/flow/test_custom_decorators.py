"""Step decorators and mutators that users write."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from dockerflow.flow.custom import custom_on, short_name
from dockerflow.flow.decorators import written_on
from dockerflow.flow.errors import FlowError
from dockerflow.flow.given import Given
from dockerflow.flow.loading import LoadedFlow, load
from tests.driver import Driver, drive
from tests.unit.flow.sources import found, written

HEAD = """
        from dockerflow import (
            USER_SKIP_STEP, Config, FlowMutator, StepMutator, UserStepDecorator, environment, user_step_decorator
        )
"""


def _flow(definitions: str, above: str = "", body: str = "self.next(self.end)", cls: str = "") -> str:
    return f"""{HEAD}
{definitions}
        {cls}
        class F(FlowSpec):
            settings = Config("settings", default_value={{"size": 2}})
            count = Parameter("count", default=1)
            {above}
            @step
            def start(self):
                {body}
            @step
            def end(self):
                pass
"""


def _loaded(folder: Path, *given: Any, **options: Any) -> LoadedFlow:
    return load(written(folder, _flow(*given, **options)))


def _driven(folder: Path, *given: Any, **options: Any) -> Driver:
    return drive(written(folder, _flow(*given, **options)), folder / "blobs", {})


def _names(loaded: LoadedFlow, step: str = "start") -> list[str]:
    return [each.name for each in written_on(getattr(loaded.cls, step))]


NOTED = """
        @user_step_decorator
        def noted(step_name, flow, inputs, attributes):
            flow.before = [*getattr(flow, "before", ()), attributes.get("n", 0)]
            yield
            flow.after = [*getattr(flow, "after", ()), attributes.get("n", 0)]
"""


def test_topmost_decorator_is_the_outermost(tmp_path: Path) -> None:
    above = "@noted(n=1)\n            @noted(n=2)\n            @noted"
    start = _driven(tmp_path, NOTED, above).task("start").artifacts
    assert (start["before"], start["after"]) == ([1, 2, 0], [0, 2, 1])


@pytest.mark.parametrize("what", ["USER_SKIP_STEP", "{}"])
def test_decorator_leaves_a_step_out(what: str, tmp_path: Path) -> None:
    skip = f"""
        @user_step_decorator
        def skip(step_name, flow, inputs):
            yield {what}
    """
    driver = _driven(tmp_path, skip, "@skip", "self.x = 1; self.next(self.end)")
    assert "x" not in driver.task("start").artifacts
    assert driver.task("end").result.ok


def test_generator_may_catch_what_the_step_raises(tmp_path: Path) -> None:
    calm = """
        @user_step_decorator
        def calm(step_name, flow, inputs):
            try:
                yield
            except ZeroDivisionError as error:
                flow.why = str(error)
    """
    driver = _driven(tmp_path, calm, "@calm", "self.x = 1 / 0; self.next(self.end)")
    assert driver.task("start").artifacts["why"] == "division by zero"
    assert driver.task("end").result.ok


def test_exception_goes_outwards_unless_it_is_caught(tmp_path: Path) -> None:
    classes = """
        class Kept(UserStepDecorator):
            def post_step(self, step_name, flow, exception=None):
                flow.seen = type(exception).__name__
                return exception
        class Other(UserStepDecorator):
            def post_step(self, step_name, flow, exception=None):
                raise KeyError("instead") from exception
    """
    driver = _driven(tmp_path, classes, "@Kept\n            @Other", "1 / 0; self.next(self.end)")
    failure = driver.task("start").result.failure
    assert failure is not None
    assert failure.type_name == "builtins.KeyError"
    assert driver.task("start").artifacts["seen"] == "KeyError"


def test_step_is_replaced_by_what_pre_step_returns(tmp_path: Path) -> None:
    instead = """
        class Instead(UserStepDecorator):
            def init(self, *args, **kwargs):
                self.value = kwargs["value"]
            def pre_step(self, step_name, flow, inputs=None):
                def step(flow):
                    flow.x = self.value
                    flow.next(flow.end)
                return step
    """
    driver = _driven(tmp_path, instead, '@Instead(value="new")', "self.x = 1; self.next(self.end)")
    assert driver.task("start").artifacts["x"] == "new"
    assert driver.task("end").result.ok


def test_decorator_may_change_what_a_foreach_goes_over(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        f"""{HEAD}
        @user_step_decorator
        def more(step_name, flow, inputs):
            flow.others = iter_over = ["x", "y", "z"]
            yield {{"foreach": "others"}}
        class F(FlowSpec):
            @more
            @step
            def start(self):
                self.items = [1]
                self.next(self.each, foreach="items")
            @step
            def each(self):
                self.x = self.input
                self.next(self.join)
            @step
            def join(self, inputs):
                self.xs = [each.x for each in inputs]
                self.next(self.end)
            @step
            def end(self):
                pass
        """,
    )
    assert drive(path, tmp_path / "blobs", {}).task("join").artifacts["xs"] == ["x", "y", "z"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("yield\n            yield", "the step decorator `wrong` yields more than once"),
        ("return\n            yield", "the step decorator `wrong` ends before it yields"),
        ("yield lambda flow: 5", "a decorator of step `start` gives `5` for `self.next`"),
    ],
)
def test_generator_that_breaks_the_rules_fails_the_step(body: str, message: str, tmp_path: Path) -> None:
    wrong = f"""
        @user_step_decorator
        def wrong(step_name, flow, inputs):
            {body}
    """
    failure = _driven(tmp_path, wrong, "@wrong").task("start").result.failure
    assert failure is not None
    assert failure.message == message


@pytest.mark.parametrize(
    ("definitions", "above", "message"),
    [
        (
            "        @user_step_decorator\n        def wrong(step_name, flow, inputs):\n            pass",
            "",
            "a_flow.py:7: `@user_step_decorator` stands on `wrong`, which is no generator function",
        ),
        (
            "        @user_step_decorator\n        def wrong(step_name):\n            yield",
            "",
            "a_flow.py:7: `wrong` takes 1 arguments",
        ),
        (NOTED, "@step\n            @noted(n=1)", "a_flow.py:"),
    ],
)
def test_decorator_that_cannot_be_is_an_error_with_its_line(
    definitions: str, above: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FlowError, match="^" + re.escape(message)):
        _loaded(tmp_path, definitions, above) if "@step" not in above else load(
            written(
                tmp_path,
                _flow(definitions, above).replace("            @step\n            def start", "            def start"),
            )
        )


def test_users_decorator_on_a_method_that_is_no_step_is_a_problem(tmp_path: Path) -> None:
    text = _flow(NOTED, "").rstrip() + "\n\n            @noted\n            def helper(self):\n                pass\n"
    assert found(tmp_path, text) == [("@noted", "`@noted` stands on `helper`, which is no step")]


@pytest.mark.parametrize(
    ("definitions", "above", "message"),
    [
        (NOTED, "@noted(1)", "`@noted` is given a value without a name"),
        ("        class Plain(UserStepDecorator):\n            pass", "@Plain(n=1)", "`@Plain` takes no options"),
        (NOTED, "@noted(n=settings.missing)", "`@noted`: `settings.missing` has no value: there is no `missing`"),
    ],
)
def test_wrong_options_are_a_problem_of_their_line(definitions: str, above: str, message: str, tmp_path: Path) -> None:
    assert found(tmp_path, _flow(definitions, above)) == [(above, message)]


def test_configs_are_options_of_a_users_decorator(tmp_path: Path) -> None:
    start = _driven(tmp_path, NOTED, "@noted(n=settings.size)").task("start").artifacts
    assert start["before"] == [2]


def test_with_names_a_users_decorator_by_its_module(tmp_path: Path) -> None:
    path = written(tmp_path, _flow(NOTED, "@noted(n=1)"))
    driver = drive(path, tmp_path / "blobs", {}, given=Given(decorators=("a_flow.noted:n=7",)))
    assert driver.task("start").artifacts["before"] == [1]
    assert driver.task("end").artifacts["before"] == [1, 7]


MUTATOR = """
        class Mutator(StepMutator):
            def pre_mutate(self, mutable_step):
                {body}
"""


@pytest.mark.parametrize(
    ("body", "above", "names"),
    [
        ("mutable_step.add_decorator(retry, deco_kwargs={'times': 2})", "", ["retry"]),
        ("mutable_step.add_decorator('retry:times=2,minutes_between_retries=0')", "", ["retry"]),
        ('mutable_step.add_decorator(\'environment:vars={"A": 1, "B": "x,y"}\')', "", ["environment"]),
        ("mutable_step.add_decorator('retry')", "@retry(times=1)", ["retry"]),
        ("mutable_step.remove_decorator('retry')", "@retry(times=1)\n            @resources(cpu=1)", ["resources"]),
        ("mutable_step.remove_decorator('retry', deco_kwargs={'times': 2})", "@retry(times=1)", ["retry"]),
    ],
)
def test_step_mutator_adds_and_removes_decorators(body: str, above: str, names: list[str], tmp_path: Path) -> None:
    above = f"{above}\n            @Mutator" if above else "@Mutator"
    assert _names(_loaded(tmp_path, MUTATOR.format(body=body), above)) == names


@pytest.mark.parametrize(("duplicates", "times"), [("IGNORE", 1), ("OVERRIDE", 5)])
def test_duplicate_is_ignored_or_replaces(duplicates: str, times: int, tmp_path: Path) -> None:
    body = f"mutable_step.add_decorator('retry:times=5', duplicates=mutable_step.{duplicates})"
    loaded = _loaded(tmp_path, MUTATOR.format(body=body), "@retry(times=1)\n            @Mutator")
    assert [each.options["times"] for each in written_on(loaded.cls.start)] == [times]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("mutable_step.add_decorator('rtry')", "there is no decorator `rtry`"),
        ("mutable_step.add_decorator('no.such')", "the decorator `no.such` cannot be imported"),
        ("mutable_step.add_decorator(5)", "`5` is no decorator of steps"),
        ("mutable_step.add_decorator('retry:times=1', deco_kwargs={'times': 2})", "`retry:times=1` has options, and"),
        ("mutable_step.add_decorator('retry:times')", "`times` in the decorator `retry:times` is no option"),
        ("mutable_step.add_decorator('retry', duplicates=mutable_step.ERROR)", "step `start` has a decorator `retry`"),
        ("1 / 0", "`pre_mutate` of `@Mutator` failed"),
    ],
)
def test_mutator_that_asks_for_what_cannot_be_is_an_error(body: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(FlowError, match=re.escape(message)):
        _loaded(tmp_path, MUTATOR.format(body=body), "@retry(times=1)\n            @Mutator")


def test_decorator_that_a_mutator_misspells_is_named(tmp_path: Path) -> None:
    with pytest.raises(FlowError) as caught:
        _loaded(tmp_path, MUTATOR.format(body="mutable_step.add_decorator('retri')"), "@Mutator")
    assert caught.value.hint == "did you mean `retry`?"


FLOW_MUTATOR = """
        class Mutator(FlowMutator):
            def {phase}(self, mutable_flow):
                {body}
"""


def test_flow_mutator_adds_and_removes_parameters(tmp_path: Path) -> None:
    body = (
        "mutable_flow.add_parameter('more', Parameter('more-of-it', default=mutable_flow.settings.size)); "
        "assert mutable_flow.remove_parameter('count'); assert not mutable_flow.remove_parameter('count')"
    )
    loaded = _loaded(tmp_path, FLOW_MUTATOR.format(phase="pre_mutate", body=body), cls="@Mutator")
    assert [(each.attribute, each.name, each.default) for each in loaded.flow.parameters] == [("more", "more-of-it", 2)]


@pytest.mark.parametrize(
    ("phase", "body", "message"),
    [
        (
            "pre_mutate",
            "mutable_flow.add_parameter('count', Parameter('x'))",
            "the flow has an attribute `count` already",
        ),
        ("pre_mutate", "mutable_flow.add_parameter('x', 5)", "parameter `x` is `5`"),
        (
            "pre_mutate",
            "mutable_flow.remove_decorator('Mutator')",
            "`Mutator` is a flow mutator, which cannot be removed",
        ),
        ("pre_mutate", "mutable_flow.missing", "has no step, parameter or config `missing`"),
        (
            "mutate",
            "mutable_flow.add_parameter('x', Parameter('x'))",
            "parameter `x` is added in `mutate` of `Mutator`",
        ),
        ("mutate", "mutable_flow.remove_parameter('x')", "parameter `x` is removed in `mutate` of `Mutator`"),
        ("mutate", "mutable_flow.add_decorator('project:name=x')", "a decorator of the flow is added in `mutate`"),
        ("mutate", "mutable_flow.remove_decorator('project')", "the decorator `project` is removed in `mutate`"),
    ],
)
def test_flow_mutator_that_asks_for_what_cannot_be_is_an_error(
    phase: str, body: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(FlowError, match=re.escape(message)):
        _loaded(tmp_path, FLOW_MUTATOR.format(phase=phase, body=body), cls="@Mutator")


def test_flow_mutator_changes_the_decorators_of_the_flow(tmp_path: Path) -> None:
    body = (
        "mutable_flow.add_decorator('project:name=movies'); mutable_flow.remove_decorator('conda_base'); "
        "assert mutable_flow.has_decorator('project')"
    )
    definitions = FLOW_MUTATOR.format(phase="pre_mutate", body=body)
    flow = _loaded(tmp_path, definitions, cls="@Mutator\n        @conda_base(python='3.11')").flow
    assert flow.project is not None
    assert flow.project.name == "movies"
    assert flow.steps["start"].decorators == ()


def test_added_flow_mutators_are_at_work_as_well(tmp_path: Path) -> None:
    definitions = (
        FLOW_MUTATOR.format(phase="pre_mutate", body="mutable_flow.add_decorator(Late, deco_args=['x'])")
        + """
        class Late(FlowMutator):
            def init(self, *args, **kwargs):
                self.name = args[0]
            def pre_mutate(self, mutable_flow):
                mutable_flow.add_parameter(self.name, Parameter(self.name))
    """
    )
    loaded = _loaded(tmp_path, definitions, cls="@Mutator")
    assert sorted(each.name for each in loaded.flow.parameters) == ["count", "x"]


def test_mutators_see_what_with_has_added_in_mutate_alone(tmp_path: Path) -> None:
    definitions = """
        seen = []
        class Mutator(StepMutator):
            def pre_mutate(self, mutable_step):
                seen.append([name for name, *_ in mutable_step.decorator_specs])
            def mutate(self, mutable_step):
                seen.append([name for name, *_ in mutable_step.decorator_specs])
    """
    loaded = load(written(tmp_path, _flow(definitions, "@Mutator")), given=Given(decorators=("retry:times=1",)))
    assert loaded.cls.start.__globals__["seen"] == [["Mutator"], ["retry", "Mutator"]]


def test_loading_a_flow_again_changes_nothing_twice(tmp_path: Path) -> None:
    """A base class in another module stays imported."""
    (tmp_path / "changed_base.py").write_text(
        "from dockerflow import *\n"
        "class Adds(FlowMutator):\n"
        "    def pre_mutate(self, mutable_flow):\n"
        "        mutable_flow.start.add_decorator('retry', duplicates=mutable_flow.ERROR)\n"
        "        mutable_flow.remove_parameter('gone')\n"
        "        mutable_flow.remove_decorator('conda_base')\n"
        "@Adds\n"
        "@conda_base(python='3.11')\n"
        "class Base(FlowSpec):\n"
        "    gone = Parameter('gone')\n"
        "    @step\n"
        "    def start(self):\n"
        "        self.next(self.end)\n"
        "    @step\n"
        "    def end(self):\n"
        "        pass\n"
    )
    path = written(tmp_path, "\n        from changed_base import Base\n")
    for _ in range(2):
        loaded = load(path)
        assert _names(loaded) == ["retry"]
        assert loaded.flow.parameters == ()
        assert loaded.flow.steps["end"].decorators == ()


def test_flow_that_was_read_is_a_base_class_as_it_is_written(tmp_path: Path) -> None:
    """Reading it has added a parameter and a decorator, which its mutator adds to the derived flow as well."""
    base = tmp_path / "read_base.py"
    base.write_text(
        "from dockerflow import *\n"
        "class Adds(FlowMutator):\n"
        "    def pre_mutate(self, mutable_flow):\n"
        "        mutable_flow.start.add_decorator('retry', duplicates=mutable_flow.ERROR)\n"
        "        mutable_flow.add_parameter('more', Parameter('more'))\n"
        "@Adds\n"
        "class Base(FlowSpec):\n"
        "    @step\n"
        "    def start(self):\n"
        "        pass\n"
    )
    load(base)
    derived = load(written(tmp_path, "\n        from read_base import Base\n        class F(Base): pass\n"))
    assert _names(derived) == ["retry"]
    assert [each.name for each in derived.flow.parameters] == ["more"]


def test_decorator_of_a_script_that_reads_itself_is_found_by_its_name(tmp_path: Path) -> None:
    """`python flow.py run` has executed the file as `__main__` when its command reads it again."""
    adds = MUTATOR.format(body="mutable_step.add_decorator('noted:n=3')")
    path = written(tmp_path, _flow(NOTED + adds, "@Mutator"))
    runpy.run_path(str(path), run_name="__main__")
    assert [short_name(type(each)) for each in custom_on(load(path).cls.start)] == ["Mutator", "noted"]


def test_module_of_a_decorator_that_fails_is_shown_with_its_traceback(tmp_path: Path) -> None:
    (tmp_path / "breaks.py").write_text("raise TypeError('broken')\n")
    path = written(tmp_path, _flow(""))
    with pytest.raises(FlowError, match=r"(?s)`breaks.noted` cannot be imported.*breaks.py.*TypeError: broken"):
        load(path, given=Given(decorators=("breaks.noted",)))
