"""Nothing that a user can name is missing from the documents."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import click
import pytest
import typer.main

import dockerflow
from dockerflow.cli.app import app
from dockerflow.config import SETTINGS, load_config, user_file
from dockerflow.flow.options import OPTIONS
from dockerflow.host_values import KEYS

ROOT = Path(__file__).parents[2]
DOCS = {page.name: page.read_text() for page in (ROOT / "docs").glob("*.md")}


def commands(group: click.Group, prefix: str = "dockerflow") -> list[tuple[str, click.Command]]:
    found = []
    for name, command in group.commands.items():
        full = f"{prefix} {name}"
        found += commands(command, full) if isinstance(command, click.Group) else [(full, command)]
    return found


# Decorators for other platforms, whose options are taken as a flow for those has them.
OF_ELSEWHERE = ("batch", "kubernetes", "pytorch_parallel", "schedule", "trigger", "trigger_on_finish", "exit_hook",
                "airflow_external_task_sensor", "airflow_s3_key_sensor")  # fmt: skip

COMMANDS = commands(typer.main.get_command(app))


@pytest.mark.parametrize("name", [name for name, _ in COMMANDS])
def test_every_command_is_documented(name):
    assert f"`{name}" in DOCS["running.md"]


@pytest.mark.parametrize(
    ("name", "option"),
    [(name, parameter.opts[0]) for name, c in COMMANDS for parameter in c.params if parameter.opts[0].startswith("--")],
)
def test_every_option_is_documented(name, option):
    assert f"`{option}" in DOCS["running.md"], f"{option} of {name}"


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_is_documented_with_its_variable(setting):
    assert f"| `{setting}` | `DOCKERFLOW_{setting.upper()}`" in DOCS["setup.md"]


@pytest.mark.parametrize("name", [name for name in dockerflow.__all__ if name != "DockerflowError"])
def test_every_public_name_is_documented(name):
    text = DOCS["flows.md"] + DOCS["results.md"]
    assert re.search(rf"[`@ ]{name}\b", text), name


@pytest.mark.parametrize("name", OPTIONS)
def test_every_decorator_is_documented(name):
    assert f"@{name}" in DOCS["flows.md"]


@pytest.mark.parametrize(
    ("name", "option"), [(name, option) for name in OPTIONS if name not in OF_ELSEWHERE for option in OPTIONS[name]]
)
def test_every_option_of_a_decorator_is_documented(name, option):
    assert re.search(rf"\b{option}\b", DOCS["flows.md"]), f"{option} of @{name}"


@pytest.mark.parametrize("key", KEYS)
def test_every_key_of_a_host_is_documented(key):
    assert re.search(rf"^\| [^|]*`{key}`", DOCS["hosts.md"], re.MULTILINE), key


def test_the_hosts_in_the_documents_are_hosts():
    [text] = re.findall(r"```yaml\n(.*?)```", DOCS["hosts.md"], re.DOTALL)
    user_file().parent.mkdir(parents=True)
    user_file().write_text(text)
    hosts = load_config(user_file().parent).hosts
    assert hosts["gpu-box"].url == "ssh://me@gpu-box.example.org"
    assert hosts["remote"].max_workers == 4


@pytest.mark.parametrize("page", sorted(DOCS))
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([\w./]+\.(?:md|py))\)", DOCS[page]):
        assert (ROOT / "docs" / target).exists(), target


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{name}" for name in sorted(DOCS))])
def test_python_in_the_documents_is_python(page):
    for block in re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL):
        if not block.startswith(">>>"):
            ast.parse(block)
