"""Configs and parameters as the command line and the environment give them, by whole commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.commands import Answer, dockerflow, refused

FLOW = """
from dockerflow import Config, FlowSpec, IncludeFile, Parameter, resources, step


class Configured(FlowSpec):
    settings = Config("settings", required=True, help="what it needs")
    extra = Config("extra", default_value={"k": 1})
    size = Parameter("the-size", default=settings.size)
    secret = Parameter("secret", default="", hidden=True)
    table = IncludeFile("table")

    @resources(cpu=settings.cpu)
    @step
    def start(self):
        print(f"size={self.size} extra={self.extra.k} table={self.table!r} secret={self.secret!r}")
        self.next(self.end)

    @step
    def end(self):
        pass
"""

SETTINGS = {"size": 3, "cpu": 1}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "configured.py").write_text(FLOW)
    (tmp_path / "settings.json").write_text(json.dumps(SETTINGS))
    (tmp_path / "table.txt").write_text("a table")
    (tmp_path / ".dockerflow").mkdir()
    return tmp_path


def _run(folder: Path, *words: str, **variables: str) -> Answer:
    return dockerflow("run", "configured.py", *words, "--engine", "process", cwd=folder, **variables)


def _printed(answer: Answer) -> str:
    assert answer.code == 0, answer.stderr
    return next(line for line in answer.lines if "size=" in line).partition("] ")[2]


def test_configs_are_given_by_file_and_by_value(folder: Path) -> None:
    answer = _run(folder, "--config", "settings", "settings.json", "--config-value", "extra", '{"k": 2}')
    assert _printed(answer) == "size=3 extra=2 table=None secret=''"


def test_configs_may_stand_before_the_file(folder: Path) -> None:
    words = ["run", "--config", "settings", "settings.json", "configured.py", "--engine", "process", "--the-size", "7"]
    assert _printed(dockerflow(*words, cwd=folder)) == "size=7 extra=1 table=None secret=''"


def test_variables_give_parameters_and_configs(folder: Path) -> None:
    variables = {
        "DOCKERFLOW_FLOW_CONFIG": '{"settings": "settings.json"}',
        "METAFLOW_RUN_TABLE": "table.txt",
        "METAFLOW_RUN_THE_SIZE": "4",
        "DOCKERFLOW_RUN_THE_SIZE": "5",
        "DOCKERFLOW_RUN_SECRET": "s",
        "METAFLOW_RUN_EXTRA": "no parameter",
    }
    answer = _run(folder, **variables)
    assert _printed(answer) == "size=5 extra=1 table='a table' secret='s'"
    assert answer.stderr == ""
    assert _printed(_run(folder, "--the-size=6", **variables)).startswith("size=6 ")


def test_help_names_configs_and_variables_and_no_hidden_parameter(folder: Path) -> None:
    answer = dockerflow("run", "configured.py", "--config", "settings", "settings.json", "--help", cwd=folder)
    text = " ".join(answer.stdout.split())
    assert "--config NAME PATH" in text
    assert "`settings` (what it needs), `extra`" in text
    assert "`DOCKERFLOW_RUN_THE_SIZE`" in text
    assert "--the-size INTEGER [default: 3]" in text
    assert "--secret" not in text


@pytest.mark.parametrize("command", ["check", "show"])
def test_other_commands_take_configs_too(command: str, folder: Path) -> None:
    answer = dockerflow(command, "configured.py", "--config", "settings", "settings.json", cwd=folder)
    assert answer.code == 0, answer.stderr


def test_config_that_is_missing_is_told(folder: Path) -> None:
    refused(
        "check",
        "configured.py",
        code=3,
        error="config `settings` is required",
        hint="give it with `--config settings PATH`",
        cwd=folder,
    )


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (
            ["--config", "settings", "settings.json", "--config-value", "settings", "{}"],
            "config `settings` is given by a file and by a value",
            "leave one of the two out",
        ),
        (
            ["--config", "settings", "missing.json"],
            "the file of config `settings`, `missing.json`, cannot be read: No such file or directory",
            "a value itself is given with `--config-value settings JSON`",
        ),
    ],
)
def test_config_that_cannot_be_given_is_told(words: list[str], error: str, hint: str, folder: Path) -> None:
    refused("check", "configured.py", *words, code=2, error=error, hint=hint, cwd=folder)


def test_resumed_run_keeps_its_configs(folder: Path) -> None:
    assert _run(folder, "--config", "settings", "settings.json").code == 0
    (folder / "settings.json").write_text("gone")
    answer = dockerflow("resume", "configured.py", "start", "--engine", "process", cwd=folder)
    assert _printed(answer) == "size=3 extra=1 table=None secret=''"
