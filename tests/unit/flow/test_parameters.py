"""From what is written on the command line to what a step sees."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from dockerflow.flow.checks import problems
from dockerflow.flow.errors import ParameterError
from dockerflow.flow.parameters import resolve, user_name
from tests.unit.flow.sources import found, loaded

STEPS = """
            @step
            def start(self):
                self.next(self.end)
            @step
            def end(self):
                pass
"""


def _flow(*parameters: str) -> str:
    lines = "\n".join(f"            {line}" for line in parameters)
    return f"        class F(FlowSpec):\n{lines}\n{STEPS}"


def _value(folder: Path, parameter: str, text: str | None = None) -> Any:
    flow = loaded(folder, _flow(f"x = {parameter}"))
    return resolve(flow, {} if text is None else {"x": text})["x"]


@pytest.mark.parametrize(
    ("parameter", "text", "value"),
    [
        ("Parameter('x')", None, None),
        ("Parameter('x')", "5", "5"),
        ("Parameter('x', type=int)", "5", 5),
        ("Parameter('x', default=3)", " 7 ", 7),
        ("Parameter('x', default=3)", None, 3),
        ("Parameter('x', default=1, type=float)", None, 1.0),
        ("Parameter('x', default=0.5)", "2", 2.0),
        ("Parameter('x', default=True)", "no", False),
        ("Parameter('x', type=bool)", "True", True),
        ("Parameter('x', type=JSONType)", '{"a": [1]}', {"a": [1]}),
        ("Parameter('x', type=JSONType, default='[1]')", None, [1]),
        ("Parameter('x', default={'a': 1})", None, {"a": 1}),
        ("Parameter('x', default='a,b', separator=',')", None, ["a", "b"]),
        ("Parameter('x', default=lambda context: context.flow_name)", None, "F"),
        ("Parameter('x', default=lambda context: 4, type=int)", None, 4),
        ("Parameter('x', required=True, default='given')", None, "given"),
        ("Parameter('x', default=5, type=JSONType)", "null", 5),
        ("Parameter('x', default='a,b', separator=',')", "", ""),
        ("Parameter('x', default=lambda context: '[1]', type=JSONType)", None, [1]),
        ("Parameter('x', default=lambda context: context.parameter_name)", None, "x"),
        ("Parameter('x', default=lambda context: None, type=int)", None, None),
        ("Parameter('x', type=int)", "1_0", 10),
        ("Parameter('x', default=[1, 2])", None, [1, 2]),
        ("Parameter('x', default=[1, 2])", "[3]", [3]),
        ("Parameter('x', type=dict)", '{"a": 1}', {"a": 1}),
        ("Parameter('x', type=str, default=5)", None, 5),
    ],
)
def test_text_becomes_the_value_that_the_parameter_says(
    parameter: str, text: str | None, value: Any, tmp_path: Path
) -> None:
    found_value = _value(tmp_path, parameter, text)
    assert (type(found_value), found_value) == (type(value), value)


@pytest.mark.parametrize(
    ("parameter", "text", "message"),
    [
        ("Parameter('x', type=int)", "five", "parameter `x` is `five`; expected a whole number"),
        ("Parameter('x', type=float)", "1,5", "parameter `x` is `1,5`; expected a number"),
        ("Parameter('x', type=bool)", "maybe", "parameter `x` is `maybe`; expected `true` or `false`"),
        ("Parameter('x', type=JSONType)", "{a: 1}", "parameter `x` is `{a: 1}`; expected JSON"),
        ("Parameter('x', required=True)", None, "parameter `x` is required"),
        ("Parameter('x', required=True, type=JSONType)", "null", "parameter `x` is required"),
        (
            "Parameter('x', type=int, default=lambda context: 'one')",
            None,
            "the function that gives the default of parameter `x` returned `'one'`; expected a value of type `int`",
        ),
        (
            "Parameter('x', default=lambda context: 1)",
            None,
            "the function that gives the default of parameter `x` returned `1`; expected a value of type `str`",
        ),
        (
            "IncludeFile('x', default=lambda context: 1)",
            None,
            "the function that gives the default of parameter `x` returned `1`; expected a value of type `str`",
        ),
        ("IncludeFile('x')", "missing.csv", "parameter `x` is `missing.csv`; expected a readable file (No such file"),
        (
            "Parameter('x', default=lambda c: 1 / 0)",
            None,
            "the function that gives the default of parameter `x` failed",
        ),
    ],
)
def test_value_that_cannot_be_is_named(parameter: str, text: str | None, message: str, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="^" + re.escape(message)):
        _value(tmp_path, parameter, text)


def test_everything_wrong_with_the_values_is_said_at_once(tmp_path: Path) -> None:
    flow = loaded(tmp_path, _flow("a = Parameter('rate', type=float)", "b = Parameter('count', required=True)"))
    with pytest.raises(ParameterError) as raised:
        resolve(flow, {"rate": "x", "coutn": "3"})
    assert raised.value.message.splitlines() == [
        "the flow has no parameter `coutn`",
        "parameter `rate` is `x`; expected a number",
        "parameter `count` is required",
    ]
    assert raised.value.hint == "did you mean `--count`?\ngive it with `--count VALUE`"


def test_dashes_and_underscores_are_the_same_in_a_name(tmp_path: Path) -> None:
    flow = loaded(tmp_path, _flow("a = Parameter('learning-rate', default=1.0)"))
    assert resolve(flow, {"learning_rate": "2"}) == {"a": 2.0}


def test_included_file_is_read_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_bytes("é\r\n".encode("latin-1"))
    flow = loaded(
        tmp_path,
        _flow(
            "a = IncludeFile('text', default='a.txt', encoding='latin-1')",
            "b = IncludeFile('raw', default='a.txt', is_text=False)",
            "c = IncludeFile('absent')",
        ),
    )
    assert resolve(flow, {}) == {"a": "é\n", "b": b"\xe9\r\n", "c": None}


def test_included_file_that_is_no_text_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.bin").write_bytes(b"ab\xff")
    with pytest.raises(ParameterError, match=r"expected a text in utf-8 \(it has byte 0xff at 2\)"):
        _value(tmp_path, "IncludeFile('x')", "a.bin")


def test_definition_tells_the_command_line_what_it_needs(tmp_path: Path) -> None:
    flow = loaded(
        tmp_path, _flow("a = Parameter('rate', default=0.5, help='how fast')", "b = IncludeFile('f', required=True)")
    )
    rate, file = flow.flow.parameters
    assert (rate.attribute, rate.name, rate.kind, rate.required, rate.default) == ("a", "rate", "float", False, 0.5)
    assert (rate.help, rate.line) == ("how fast", 3)
    assert (file.kind, file.required) == ("file", True)


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        (
            "x = Parameter('max-workers')",
            "parameter `max-workers` has a reserved name: `--max-workers` is an option of the run",
        ),
        (
            "x = Parameter('not a name')",
            "the name of a parameter is `'not a name'`; expected letters, digits, `-` and `_`",
        ),
        (
            "x = Parameter('a', type=set)",
            "the type of parameter `a` is `<class 'set'>`; expected `str`, `int`, `float`, `bool` or `JSONType`",
        ),
        ("x = Parameter('a', choices=['b'])", "parameter `a` has an unknown option `choices`"),
        ("x = Parameter('a', default=1, separator=',')", "parameter `a` has a `separator` but is no `str`"),
        ("_x = Parameter('a')", "parameter `a` cannot be kept in `_x`, which begins with `_`"),
        ("index = Parameter('a')", "parameter `a` cannot be kept in `index`, which is a name that every flow has"),
        ("x = IncludeFile('a', encoding='utf-9')", "parameter `a` has an unknown encoding `utf-9`"),
        (
            "x = Parameter('a', default='abc', type=int)",
            "the default of parameter `a` is `abc`; expected a whole number",
        ),
        (
            "x = Parameter('a', default='maybe', type=bool)",
            "the default of parameter `a` is `maybe`; expected `true` or `false`",
        ),
        ("x = Parameter('a', default=[1], type=str)", "the default of parameter `a` is `[1]`; expected a text"),
        ("x = IncludeFile('a', default=3)", "the default of parameter `a` is `3`; expected the path of a file"),
    ],
)
def test_definition_that_cannot_work_is_a_problem_of_the_flow(parameter: str, message: str, tmp_path: Path) -> None:
    assert found(tmp_path, _flow(parameter)) == [(parameter, message)]


@pytest.mark.parametrize(
    "parameter",
    [
        "Parameter('a', default='3', type=int)",
        "Parameter('a', default=3, type=float)",
        "Parameter('a', default={'b': 1}, type=JSONType)",
        "Parameter('a', default='abc')",
        "Parameter('a', default=lambda context: 'abc', type=int)",
        "IncludeFile('a', default='not/there/yet')",
    ],
)
def test_default_that_becomes_a_value_of_the_type_is_none(parameter: str, tmp_path: Path) -> None:
    assert found(tmp_path, _flow(f"x = {parameter}")) == []


@pytest.mark.parametrize("made", ["Parameter('a', defualt=1)", "IncludeFile('a', defualt='')"])
def test_option_that_is_unknown_is_answered_with_the_nearest(made: str, tmp_path: Path) -> None:
    (problem,) = problems(loaded(tmp_path, _flow(f"x = {made}")).flow)
    assert problem.hint == "did you mean `default`?"


def test_two_parameters_of_one_name_are_one_too_many(tmp_path: Path) -> None:
    text = _flow("a = Parameter('rate')", "b = Parameter('Rate')")
    assert found(tmp_path, text) == [
        ("b = Parameter('Rate')", "parameter `Rate` is defined twice, in `a` and in `b`"),
    ]


@pytest.mark.parametrize("variable", ["DOCKERFLOW_USER", "METAFLOW_USER", "USER"])
def test_default_is_told_the_user_that_the_run_is_recorded_under(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in ("DOCKERFLOW_USER", "METAFLOW_USER"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv("LOGNAME", "another")
    monkeypatch.setenv(variable, "ada")
    assert _value(tmp_path, "Parameter('x', default=lambda context: context.user_name)") == user_name() == "ada"


def test_function_that_gives_a_default_is_called_once_with_its_context(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METAFLOW_USER", "grace")
    flow = loaded(
        tmp_path,
        _flow("a = Parameter('the-name', default=lambda c: CALLS.append(c) or 'x')").replace(
            "        class F", "        CALLS = []\n        class F"
        ),
    )
    calls = flow.cls.start.__globals__["CALLS"]
    assert calls == []
    resolve(flow, {})
    assert [(each.flow_name, each.parameter_name, each.user_name) for each in calls] == [("F", "the-name", "grace")]
    resolve(flow, {"the-name": "given"})
    assert len(calls) == 1


def test_parameters_of_a_mixin_are_the_flows(tmp_path: Path) -> None:
    text = """
        class Mixin:
            size = Parameter("size", default=1)
            unit = "kg"
            def helper(self):
                return 1
        class F(Mixin, FlowSpec):
            @step
            def start(self):
                self.next(self.end)
            @step
            def end(self):
                pass
    """
    assert found(tmp_path, text) == []
    assert resolve(loaded(tmp_path, text), {}) == {"size": 1}


def test_hidden_parameter_can_be_given(tmp_path: Path) -> None:
    flow = loaded(tmp_path, _flow("a = Parameter('a', hidden=True, show_default=False, default=1)"))
    assert [(each.hidden, each.shows_default) for each in flow.flow.parameters] == [(True, False)]
    assert resolve(flow, {"a": "2"}) == {"a": 2}


@pytest.mark.parametrize("name", ["params", "with", "tag", "tags", "run-id-file", "run_id_file", "max_workers", "obj"])
def test_names_that_metaflow_reserves_are_reserved(name: str, tmp_path: Path) -> None:
    line = f"a = Parameter('{name}')"
    message = f"parameter `{name}` has a reserved name: `--{name}` is an option of the run"
    assert found(tmp_path, _flow(line)) == [(line, message)]
