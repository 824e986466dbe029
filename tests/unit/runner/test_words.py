"""Keyword arguments as words of a command line."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from dockerflow.flow.config_value import ConfigValue
from dockerflow.runner.errors import UnknownArgument, UnusableValue
from dockerflow.runner.words import checked_options, command_line


def not_asked(words: list[str]) -> subprocess.CompletedProcess[str]:
    raise AssertionError(f"`{words}` was called")


def words(flow: Path, command: str = "run", top: dict[str, Any] | None = None, **given: Any) -> list[str]:
    return [word.replace(str(flow), "FILE") for word in command_line(command, str(flow), top or {}, given, not_asked)]


def test_options_stand_before_the_file_and_parameters_behind_it(flow: Path) -> None:
    found = words(flow, max_workers=4, alpha=0.5, tags=["a", "b"], with_=["retry"], fresh_containers=True)
    assert found == [
        "run", "--max-workers=4", "--tag=a", "--tag=b", "--with=retry", "--fresh-containers", "FILE", "--alpha=0.5",
    ]  # fmt: skip


def test_a_name_is_the_flows_first(flow: Path) -> None:
    assert words(flow, top={"store": "/data"}, store="shop") == ["run", "--store=/data", "FILE", "--store=shop"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"alpha": -5}, ["--alpha=-5"]),
        ({"alpha": ""}, ["--alpha="]),
        ({"alpha": None}, []),
        ({"alpha": True}, ["--alpha=true"]),
        ({"movie_data": Path("films.csv")}, ["--movie_data=films.csv"]),
        ({"options": {"a": [1, None]}}, ['--options={"a": [1, null]}']),
        ({"options": ConfigValue({"a": 1})}, ['--options={"a": 1}']),
        ({"options": [1, "x"]}, ['--options=[1, "x"]']),
    ],
)
def test_values_of_parameters(flow: Path, given: dict[str, Any], expected: list[str]) -> None:
    assert words(flow, **given) == ["run", "FILE", *expected]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"tags": "one"}, ["--tag=one"]),
        ({"tag": ("one", "--two")}, ["--tag=one", "--tag=--two"]),
        ({"decospecs": ["retry:times=2", "card"]}, ["--with=retry:times=2", "--with=card"]),
        ({"quiet": False, "production": True}, ["--production"]),
        ({"host": ["a", "b"], "engine": "process"}, ["--host=a", "--host=b", "--engine=process"]),
        ({"config": [("one", "a.json")]}, ["--config", "one", "a.json"]),
        ({"config_value": {"one": {"x": 1}}}, ["--config-value", "one", '{"x": 1}']),
        ({"user_namespace": "", "max_workers": None}, ["--namespace="]),
        ({"pylint": False, "metadata": "local", "environment": "conda"}, []),
    ],
)
def test_values_of_options(flow: Path, given: dict[str, Any], expected: list[str]) -> None:
    assert words(flow, **given) == ["run", *expected, "FILE"]
    assert words(flow, top=given) == ["run", *expected, "FILE"]


def test_resume_has_a_step_and_an_origin(flow: Path) -> None:
    found = words(flow, "resume", step_to_rerun="end", origin_run_id="12")
    assert found == ["resume", "--origin-run-id=12", "FILE", "end"]


def test_what_the_file_does_not_say_is_asked_of_the_flow(flow: Path) -> None:
    asked: list[list[str]] = []

    def run(words: list[str]) -> subprocess.CompletedProcess[str]:
        asked.append(words)
        return subprocess.CompletedProcess(words, 0, '{"parameters": [{"name": "inherited-one"}]}', "")

    found = command_line("run", str(flow), {"with_": ["card"]}, {"inherited_one": 1}, run)
    assert found == ["run", "--with=card", str(flow), "--inherited_one=1"]
    assert asked == [["show", "--json", "--with=card", str(flow)]]
    with pytest.raises(UnknownArgument, match="`alhpa` is no option of `dockerflow run` and no parameter") as refused:
        command_line("run", str(flow), {}, {"alhpa": 1}, run)
    assert "`inherited_one`" in str(refused.value.hint)
    assert "`max_workers`" in str(refused.value.hint)


@pytest.mark.parametrize("name", ["flow_file", "help", "runner_attribute_file", "max_worker"])
def test_what_is_no_option_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"`{name}` is no option of `dockerflow run`"):
        checked_options("run", {name: "x"})


def test_what_json_cannot_hold_is_refused(flow: Path) -> None:
    with pytest.raises(UnusableValue, match="`options` cannot be given to a flow"):
        words(flow, options={"a": object()})
