"""Configs: where their values come from, and where expressions of them can be used."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from dockerflow.flow.checks import problems
from dockerflow.flow.config_value import ConfigValue
from dockerflow.flow.definition import Conda, Environment, Resources, Retry
from dockerflow.flow.errors import FlowError, InvalidFlow, ParameterError
from dockerflow.flow.given import Given
from dockerflow.flow.loading import LoadedFlow, load
from dockerflow.flow.parameters import resolve
from tests.driver import drive
from tests.unit.flow.sources import found, written

STEPS = """
            @step
            def start(self):
                self.next(self.end)
            @step
            def end(self):
                pass
"""


def _flow(*lines: str, start: str = "") -> str:
    body = "\n".join(f"            {line}" for line in lines)
    steps = STEPS.replace(
        "            @step\n            def start", f"            {start}\n            @step\n            def start"
    )
    return (
        f"        from dockerflow import Config, config_expr, environment\n        class F(FlowSpec):\n{body}\n{steps}"
    )


def _loaded(folder: Path, *lines: str, start: str = "", **configs: str) -> LoadedFlow:
    return load(written(folder, _flow(*lines, start=start)), given=Given(configs))


def _value(folder: Path, config: str, **configs: str) -> Any:
    return _loaded(folder, f"c = {config}", **configs).given.values["c"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.json").write_text('{"k": "of the file"}')


@pytest.mark.parametrize(
    ("config", "given", "value"),
    [
        ("Config('c')", {}, None),
        ("Config('c')", {"c": '{"k": [1]}'}, {"k": [1]}),
        ("Config('c', default='c.json')", {}, {"k": "of the file"}),
        ("Config('c', default='missing.json')", {"c": "{}"}, {}),
        ("Config('c', default_value={'k': (1, 2)})", {}, {"k": [1, 2]}),
        ("Config('c', default_value='{\"k\": 1}')", {}, {"k": 1}),
        ("Config('c', default=lambda context: 'c.json')", {}, {"k": "of the file"}),
        ("Config('c', default_value=lambda context: {'k': context.flow_name})", {}, {"k": "F"}),
        ("Config('c', default_value=lambda context: None)", {}, None),
        ("Config('c', parser=lambda text: {'length': len(text)})", {"c": "12345"}, {"length": 5}),
        ("Config('c', parser='json.loads')", {"c": '{"k": 1}'}, {"k": 1}),
        ("Config('c', plain=True)", {"c": "a text"}, "a text"),
        ("Config('c', plain=True, default_value={'k': 1})", {}, '{"k": 1}'),
        ("Config('c', plain=True, parser='json.loads')", {"c": "[1, 2]"}, [1, 2]),
        ("Config('c', required=True, default_value={})", {}, {}),
    ],
)
def test_value_comes_from_the_command_line_or_the_default(
    config: str, given: dict[str, str], value: Any, tmp_path: Path
) -> None:
    assert _value(tmp_path, config, **given) == value


@pytest.mark.parametrize(
    ("config", "given", "message"),
    [
        ("Config('c', required=True)", {}, "config `c` is required"),
        ("Config('c')", {"c": "{k: 1}"}, "config `c` is no JSON: Expecting property name"),
        ("Config('c')", {"c": "[1]"}, "config `c` is no dictionary: the text is of type `list`"),
        ("Config('c')", {"d": "{}"}, "the flow has no config `d`"),
        (
            "Config('c', default='missing.json')",
            {},
            "the file of config `c`, `missing.json`, cannot be read: No such file",
        ),
        ("Config('c', default=lambda context: 1 / 0)", {}, "the function that gives the default of config `c` failed"),
        ("Config('c', parser=lambda text: 1 / 0)", {"c": ""}, "the parser `<lambda>` of config `c` failed"),
        ("Config('c', parser=lambda text: [])", {"c": ""}, "config `c` is no dictionary: what the parser `<lambda>`"),
        ("Config('c', parser='no.parser')", {"c": ""}, "the parser `no.parser` of config `c` cannot be imported"),
        ("Config('c', parser=lambda text: {'k': {1}})", {"c": ""}, "the value of config `c` is not what JSON has"),
    ],
)
def test_value_that_cannot_be_is_named(config: str, given: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="^" + re.escape(message)):
        _value(tmp_path, config, **given)


def test_everything_wrong_with_the_values_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ParameterError) as raised:
        _loaded(tmp_path, "a = Config('alpha', required=True)", "b = Config('b')", alhpa="{}", b="x")
    assert raised.value.message.splitlines() == [
        "the flow has no config `alhpa`",
        "config `alpha` is required",
        "config `b` is no JSON: Expecting value: line 1 column 1 (char 0)",
    ]
    assert "did you mean `alpha`?" in str(raised.value.hint)


@pytest.mark.parametrize("tool", ["DOCKERFLOW", "METAFLOW"])
def test_variables_give_paths_and_values(tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{tool}_FLOW_CONFIG", '{"a": "c.json"}')
    monkeypatch.setenv(f"{tool}_FLOW_CONFIG_VALUE", '{"b": {"k": 1}, "c": {"k": 2}}')
    loaded = _loaded(tmp_path, *(f"{name} = Config('{name}')" for name in "abc"), c="{}")
    assert loaded.given.values == {"a": {"k": "of the file"}, "b": {"k": 1}, "c": {}}


def test_variable_that_is_no_dictionary_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METAFLOW_FLOW_CONFIG", "c.json")
    with pytest.raises(ParameterError, match="the variable `METAFLOW_FLOW_CONFIG` is no JSON"):
        _value(tmp_path, "Config('c')")


def test_what_was_loaded_needs_no_file_and_no_parser_again(tmp_path: Path) -> None:
    """A container has neither: it gets the values."""
    text = _flow("c = Config('c', default='c.json', parser=calls.append)".replace("calls.append", "parse"))
    (tmp_path / "parsing.py").write_text(
        "import json, os\ndef parse(text):\n    os.remove('c.json')\n    return json.loads(text)\n"
    )
    path = written(tmp_path, f"        from parsing import parse\n{text}")
    first = load(path)
    again = load(path, stand_ins=False, given=Given.from_json(first.given.to_json()))
    assert again.given == first.given == Given(values={"c": {"k": "of the file"}})


def test_expressions_are_options_of_decorators(tmp_path: Path) -> None:
    loaded = _loaded(
        tmp_path,
        "c = Config('c', default_value={'cores': 2, 'again': {'times': 4}, 'vars': {'A': 'b'}, 'list': [1, {'x': 5}]})",
        start="@resources(cpu=c.cores, memory=c.list[1].x)\n            @retry(**c.again)\n"
        "            @environment(vars={**c.vars, 'B': config_expr('str(c.cores * 2)')})",
    )
    step = loaded.flow.steps["start"]
    assert step.decorator(Resources) == Resources(2, 5)
    assert step.decorator(Retry) == Retry(times=4)
    assert step.decorator(Environment) == Environment((("A", "b"), ("B", "4")))


def test_expressions_are_options_of_parameters_and_constants(tmp_path: Path) -> None:
    loaded = _loaded(
        tmp_path,
        "c = Config('c', default_value={'size': 2, 'more': {'default': 7, 'help': 'how many'}, 'deep': {'k': [1]}})",
        "size = Parameter('size', default=c.size)",
        "more = Parameter('more', **c.more)",
        "deep = Parameter('deep', default=c.deep, type=JSONType)",
        "made = Parameter('made', default=lambda context: str(context.configs.c.size))",
        "constant = c.deep",
    )
    assert resolve(loaded, {})["size"] == 2
    assert resolve(loaded, {"size": "3"}) == {
        "size": 3, "more": 7, "deep": {"k": [1]}, "made": "2",
        "c": {"size": 2, "more": {"default": 7, "help": "how many"}, "deep": {"k": [1]}},
    }  # fmt: skip
    assert next(each.help for each in loaded.flow.parameters if each.name == "more") == "how many"
    assert loaded.cls.constant == {"k": [1]}


def test_decorator_of_the_class_can_use_a_config_of_it(tmp_path: Path) -> None:
    text = _flow("c = Config('c', default_value={'python': '3.11'})").replace(
        "        class F", "        @conda_base(python=config_expr('c').python)\n        class F"
    )
    flow = load(written(tmp_path, text)).flow
    assert flow.problems == ()
    assert flow.steps["start"].decorators[0].python == "3.11"  # type: ignore[attr-defined]


def test_class_of_another_module_keeps_its_expressions(tmp_path: Path) -> None:
    """It stays imported, and the next flow that is derived from it has another value."""
    (tmp_path / "base.py").write_text(
        "from dockerflow import *\n"
        "class Base(FlowSpec):\n"
        "    c = Config('c', default_value={'times': 1})\n"
        "    times = Parameter('times', default=c.times)\n"
        "    @retry(times=c.times)\n"
        "    @step\n"
        "    def start(self):\n"
        "        self.next(self.end)\n"
    )
    path = written(
        tmp_path,
        """
        from base import Base
        class F(Base):
            @step
            def end(self):
                pass
        """,
    )
    for times in (2, 3):
        loaded = load(path, given=Given({"c": f'{{"times": {times}}}'}))
        assert loaded.flow.steps["start"].decorator(Retry) == Retry(times=times)
        assert resolve(loaded, {})["times"] == times


def test_flows_of_one_base_class_do_not_see_each_others_configs(tmp_path: Path) -> None:
    (tmp_path / "shared_base.py").write_text(
        "from dockerflow import *\n"
        "@project(name=config_expr('c').name)\n"
        "@conda_base(python=config_expr('c').python)\n"
        "class Base(FlowSpec):\n"
        "    c = Config('c')\n"
        "    @step\n"
        "    def start(self):\n"
        "        pass\n"
    )
    for name, python in (("one", "3.11"), ("two", "3.12")):
        path = written(tmp_path, "\n        from shared_base import Base\n        class F(Base): pass\n", f"{name}.py")
        flow = load(path, given=Given({"c": f'{{"name": "{name}", "python": "{python}"}}'})).flow
        assert flow.project is not None
        assert flow.project.name == name
        assert flow.steps["start"].decorator(Conda).python == python  # type: ignore[union-attr]


def test_key_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    loaded = _loaded(tmp_path, "c = Config('c', default_value={'a': {'x': 1, 'y': 2}})", start="@resources(cpu=c.a.z)")
    assert [each.hint for each in loaded.flow.problems] == ["there is `x`, `y`"]


@pytest.mark.parametrize(
    ("line", "start", "problem"),
    [
        (
            "c = Config('c', default_value={'a': 1})",
            "@resources(cpu=c.b)",
            "`@resources`: `c.b` has no value: there is no `b`",
        ),
        (
            "c = Config('c')",
            "@resources(cpu=config_expr('d.cpu'))",
            "`@resources`: `d.cpu` has no value: NameError: name 'd' is not defined",
        ),
        (
            "c = Config('c', default_value={'a': 1})",
            "@resources(**c.a)",
            "`@resources`: `**c.a` is `1`; expected a dictionary of options",
        ),
    ],
)
def test_expression_without_a_value_is_a_problem_of_its_line(
    line: str, start: str, problem: str, tmp_path: Path
) -> None:
    assert found(tmp_path, _flow(line, start=start)) == [(start, problem)]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("c = Config('a b')", "the name of a config is `'a b'`; expected letters, digits, `-` and `_`"),
        ("c = Config('c', default='x', default_value={})", "config `c` has both `default` and `default_value`"),
        ("c = Config('c', path='x')", "config `c` has an unknown option `path`"),
    ],
)
def test_definition_that_cannot_work_is_a_problem(line: str, problem: str, tmp_path: Path) -> None:
    assert found(tmp_path, _flow(line)) == [(line, problem)]


def test_option_that_is_unknown_is_answered_with_the_nearest(tmp_path: Path) -> None:
    (problem,) = problems(_loaded(tmp_path, "c = Config('c', defualt='x')").flow)
    assert problem.hint == "did you mean `default`?"


def test_two_configs_cannot_have_one_name(tmp_path: Path) -> None:
    problems = found(tmp_path, _flow("a = Config('c')", "b = Config('c')"))
    assert problems == [("b = Config('c')", "config `c` is defined twice, in `a` and in `b`")]


def test_constant_without_a_value_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FlowError, match=r"the attribute `x` of flow `F`: `c\.b` has no value"):
        _loaded(tmp_path, "c = Config('c', default_value={})", "x = c.b")


def test_step_reads_a_config_and_cannot_change_it(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        from dockerflow import Config
        class F(FlowSpec):
            c = Config('settings', default_value={'k': {'size': 2}})
            none = Config('none')
            @step
            def start(self):
                self.errors = []
                self.size, self.kind, self.empty = self.c.k.size, type(self.c).__name__, self.none
                for change in (lambda: setattr(self, "c", 1), lambda: delattr(self, "c")):
                    try:
                        change()
                    except AttributeError as error:
                        self.errors.append(str(error))
                self.names = current.parameter_names
                self.next(self.end)
            @step
            def end(self):
                self.again = self.c
        """,
    )
    driver = drive(path, tmp_path / "blobs", {})
    start = driver.task("start").artifacts
    assert (start["size"], start["kind"], start["empty"], start["names"]) == (2, "ConfigValue", None, ["c", "none"])
    assert start["errors"] == [
        "`c` is a config and cannot be changed in a step",
        "`c` is a parameter and cannot be deleted",
    ]
    assert start["c"] == {"k": {"size": 2}}
    assert type(start["c"]) is dict
    assert isinstance(driver.task("end").artifacts["again"], ConfigValue)


def test_problems_are_raised_before_a_run(tmp_path: Path) -> None:
    path = written(tmp_path, _flow("c = Config('a b')"))
    with pytest.raises(InvalidFlow, match="the name of a config"):
        drive(path, tmp_path / "blobs", {})
