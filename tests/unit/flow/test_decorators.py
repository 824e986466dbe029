"""What decorators ask for, and what is said of those that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockerflow.flow.definition import Catch, Conda, Resources, Retry, StepDecorator
from tests.unit.flow.sources import found, loaded

TAIL = """
                self.next(self.end)
            @step
            def end(self):
                pass
"""


def _flow(decorator: str, on_class: str = "") -> str:
    return f"""
        {on_class or "# none"}
        class F(FlowSpec):
            {decorator}
            @step
            def start(self):{TAIL}"""


def _start(folder: Path, decorator: str, on_class: str = "") -> tuple[StepDecorator, ...]:
    flow = loaded(folder, _flow(decorator, on_class)).flow
    assert flow.problems == ()
    return flow.steps["start"].decorators


@pytest.mark.parametrize(
    ("decorator", "value"),
    [
        ("@retry", Retry(3, 2.0)),
        ("@retry()", Retry(3, 2.0)),
        ("@retry(times=0, minutes_between_retries=0.5)", Retry(0, 0.5)),
        ("@retry(times='4')", Retry(4, 2.0)),
        ("@catch", Catch(None, True)),
        ("@catch(var='failed', print_exception=False)", Catch("failed", False)),
        ("@resources(cpu=2, memory=4096)", Resources(2.0, 4096)),
        ("@resources(memory='512', disk=10, gpu=None)", Resources(None, 512, disk=10)),
        ("@resources(gpu='1', shared_memory='64', disk='')", Resources(gpu=1, shared_memory=64)),
        ("@conda(libraries={'pandas': '1.5.3', 'numpy': ''})", Conda((("numpy", ""), ("pandas", "1.5.3")))),
        ("@conda(packages={'a': '2'}, libraries={'a': '1', 'b': '1'})", Conda((("a", "2"), ("b", "1")))),
        ("@conda(python='3.9', disabled=True)", Conda((), "3.9", (), True)),
        ("@conda(channels=['bioconda'])", Conda(channels=("bioconda",))),
    ],
)
def test_decorator_is_read_as_its_value(decorator: str, value: StepDecorator, tmp_path: Path) -> None:
    assert _start(tmp_path, decorator) == (value,)


@pytest.mark.parametrize(
    ("base", "own", "value"),
    [
        (
            "libraries={'a': '1', 'b': '1'}, python='3.8'",
            "libraries={'b': '2'}",
            Conda((("a", "1"), ("b", "2")), "3.8"),
        ),
        ("python='3.8'", "python='3.11'", Conda((), "3.11")),
        ("disabled=True", "libraries={'a': '1'}", Conda((("a", "1"),), disabled=True)),
        ("disabled=True", "disabled=False", Conda()),
        ("channels=['x', 'y']", "channels=['y', 'z']", Conda(channels=("y", "z", "x"))),
    ],
)
def test_conda_base_lies_under_a_steps_own_conda(base: str, own: str, value: Conda, tmp_path: Path) -> None:
    assert _start(tmp_path, f"@conda({own})", f"@conda_base({base})") == (value,)


def test_conda_base_is_for_every_step(tmp_path: Path) -> None:
    flow = loaded(tmp_path, _flow("@retry", "@conda_base(libraries={'a': '1'})")).flow
    assert [step.decorator(Conda) for step in flow.steps.values()] == [Conda((("a", "1"),))] * 2


def test_conda_base_is_inherited(tmp_path: Path) -> None:
    text = """
        @conda_base(libraries={"a": "1", "b": "1"})
        class Base(FlowSpec):
            @step
            def start(self):
                self.next(self.end)
        @conda_base(libraries={"b": "2"})
        class F(Base):
            @step
            def end(self):
                pass
    """
    flow = loaded(tmp_path, text).flow
    assert flow.steps["start"].decorator(Conda) == Conda((("a", "1"), ("b", "2")))


def test_decorators_stand_above_or_below_step(tmp_path: Path) -> None:
    text = f"""
        class F(FlowSpec):
            @retry(times=1)
            @step
            @catch(var="failed")
            def start(self):{TAIL}"""
    assert set(loaded(tmp_path, text).flow.steps["start"].decorators) == {Retry(1), Catch("failed")}


def test_step_wrapped_by_the_users_own_decorator_is_read_where_it_stands(tmp_path: Path) -> None:
    text = f"""
        import functools
        def timed(function):
            @functools.wraps(function)
            def wrapper(self):
                return function(self)
            return wrapper
        class F(FlowSpec):
            @timed
            @retry(times=1)
            @step
            def start(self):{TAIL}"""
    assert found(tmp_path, text) == []
    assert loaded(tmp_path, text).flow.steps["start"].decorators == (Retry(1),)


@pytest.mark.parametrize(
    ("decorator", "message"),
    [
        ("@retry(time=2)", "`@retry` has no option `time`"),
        ("@retry(times=-1)", "`times` of `@retry` is `-1`; expected a whole number, 0 or more"),
        ("@retry(times=1.5)", "`times` of `@retry` is `1.5`; expected a whole number, 0 or more"),
        ("@retry(times=True)", "`times` of `@retry` is `True`; expected a whole number, 0 or more"),
        ("@retry(3)", "`@retry` is given a value without its option's name"),
        (
            "@catch(var='not a name')",
            "`var` of `@catch` is `'not a name'`; expected the name of an artifact, like `\"failed\"`",
        ),
        ("@catch(print_exception='no')", "`print_exception` of `@catch` is `'no'`; expected True or False"),
        ("@resources(cpu=0)", "`cpu` of `@resources` is `0`; expected a number of cores above 0"),
        ("@resources(memory='2GB')", "`memory` of `@resources` is `'2GB'`; expected a whole number of MiB above 0"),
        ("@resources(gpu='two')", "`gpu` of `@resources` is `'two'`; expected a whole number of GPUs, 0 or more"),
        (
            "@conda(libraries=['pandas'])",
            "`libraries` of `@conda` is `['pandas']`; expected a dictionary from package to version, "
            'like `{"pandas": "2.2.3"}`',
        ),
        (
            "@conda(libraries={'pandas': 2.2})",
            "`libraries` of `@conda` has `2.2` as the version of `pandas`; expected text",
        ),
        ("@conda(python=3.11)", '`python` of `@conda` is `3.11`; expected a version in quotes, like `"3.11"`'),
        (
            "@conda(channels='conda-forge')",
            "`channels` of `@conda` is `'conda-forge'`; expected a list of names or URLs, like `[\"conda-forge\"]`",
        ),
        ("@conda_base(python='3.11')", "`@conda_base` stands on a step"),
    ],
)
def test_wrong_option_is_named_with_its_line(decorator: str, message: str, tmp_path: Path) -> None:
    assert found(tmp_path, _flow(decorator)) == [(decorator, message)]


def test_two_of_a_kind_on_one_step_are_one_too_many(tmp_path: Path) -> None:
    text = _flow("@retry(times=1)\n            @retry(times=2)")
    assert found(tmp_path, text) == [("@retry(times=2)", "step `start` has `@retry` twice, the first on line 5")]


def test_unknown_option_of_step_is_named(tmp_path: Path) -> None:
    text = f"""
        class F(FlowSpec):
            @step(begin=True)
            def start(self):{TAIL}"""
    assert found(tmp_path, text) == [("@step(begin=True)", "`@step` has no option `begin`")]


def test_decorator_belongs_on_a_step(tmp_path: Path) -> None:
    text = f"""
        @retry(times=1)
        def function():
            pass
        @catch
        class F(FlowSpec):
            @resources(cpu=1)
            def helper(self):
                pass
            @step
            def start(self):{TAIL}"""
    assert found(tmp_path, text) == [
        ("@retry(times=1)", "`@retry` stands on `function`, which is no step"),
        ("@catch", "`@catch` stands on the class `F`, which is no step"),
        ("@resources(cpu=1)", "`@resources` stands on `helper`, which is no step"),
    ]


def test_variable_of_catch_is_not_taken(tmp_path: Path) -> None:
    text = f"""
        class F(FlowSpec):
            LIMIT = 1
            @catch(var="LIMIT")
            @step
            def start(self):{TAIL}"""
    message = "`@catch` of step `start` keeps its failure in `LIMIT`, which the class has already"
    assert found(tmp_path, text) == [('@catch(var="LIMIT")', message)]
