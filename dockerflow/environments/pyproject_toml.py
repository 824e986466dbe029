"""Read a `pyproject.toml`: what the project depends on, its Python, and optional dependencies that are asked for.

    https://packaging.python.org/en/latest/specifications/pyproject-toml/

The project itself is not installed: its Python files lie beside the flow, and travel with it. Where a tool has its own
words for where packages come from (`[tool.uv.sources]`), they are refused rather than passed over.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from dockerflow import credentials
from dockerflow.environments import pep508, user_file
from dockerflow.environments.asked import Asked, Word
from dockerflow.environments.errors import InvalidSpec
from dockerflow.environments.pep508 import NotARequirement
from dockerflow.environments.python_versions import NotASpecifier, of_specifier
from dockerflow.flow.errors import place

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# What a tool's own table says of where packages come from: a lock that left it out would have other packages.
_SOURCES = (("uv", "sources"), ("uv", "index"), ("uv", "find-links"), ("pdm", "source"), ("poetry", "source"))


def read(path: Path, extras: Sequence[str], named_at: str) -> Asked:
    """What the project asks for, with the optional dependencies `extras`. Raises InvalidSpec."""
    return _Project(path, user_file.read(path, named_at)).asked(extras, named_at)


class _Project:
    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._text = text
        try:
            self._values: Mapping[str, Any] = tomllib.loads(text)
        except (ValueError, RecursionError) as error:  # TOMLDecodeError, or a number of thousands of digits
            line = re.search(r"line (\d+)", str(error))
            at = place(str(path), int(line[1]) if line else 1)
            raise InvalidSpec(f"{at}: this is not TOML: {error}", "mend it, or name another file") from error

    def asked(self, extras: Sequence[str], named_at: str) -> Asked:
        project = self._project()
        self._refuse_sources()
        dynamic = project.get("dynamic", ())
        for key in ("dependencies", "optional-dependencies"):
            if isinstance(dynamic, list) and key in dynamic and (key == "dependencies" or extras):
                raise InvalidSpec(
                    f"{self._at(key)}: `project.{key}` is `dynamic`: only the project's build can tell it",
                    "write the packages into a `requirements.txt`",
                )
        requirements = [
            *self._requirements(project.get("dependencies", []), "project.dependencies"),
            *self._optional(project, extras, named_at),
        ]
        return Asked(pythons=tuple(self._pythons(project)), pypi=tuple(dict.fromkeys(requirements)))

    def _project(self) -> Mapping[str, Any]:
        project = self._values.get("project")
        if isinstance(project, Mapping):
            return project
        if isinstance(self._values.get("tool"), Mapping) and "poetry" in self._values["tool"]:
            raise InvalidSpec(
                f"{self._at('[tool.poetry]')}: the project has its dependencies in Poetry's own words, under"
                " `[tool.poetry]`, and none under `[project]`",
                "write them as `dependencies` of `[project]`, or into a `requirements.txt` with `poetry export`",
            )
        raise InvalidSpec(
            f"{place(str(self._path), 1)}: there is no `[project]`, whose `dependencies` would be read",
            'write `[project]` with `dependencies = ["pandas>=2"]`',
        )

    def _refuse_sources(self) -> None:
        tools = self._values.get("tool")
        for tool, key in _SOURCES:
            table = tools.get(tool) if isinstance(tools, Mapping) else None
            if isinstance(table, Mapping) and table.get(key):
                raise InvalidSpec(
                    f"{self._at(f'tool.{tool}.{key}', f'{tool}.{key}')}: `tool.{tool}.{key}` says where packages come"
                    " from, which only that tool knows how to read",
                    "name indexes with the setting `indexes`, and the packages in a `requirements.txt`",
                )

    def _optional(self, project: Mapping[str, Any], extras: Sequence[str], named_at: str) -> Iterator[Word]:
        """Those of the extras, and of the extras of the project itself that they name in turn."""
        table = project.get("optional-dependencies", {})
        if not isinstance(table, Mapping):
            raise self._wrong("project.optional-dependencies", table, "a table of lists")
        there = {canonicalize_name(name): (name, table[name]) for name in table}
        own = canonicalize_name(str(project.get("name", "")))
        waiting, seen = [(canonicalize_name(extra), named_at) for extra in extras], set()
        while waiting:
            extra, at = waiting.pop(0)
            if extra in seen:
                continue
            seen.add(extra)
            if extra not in there:
                names = ", ".join(f"`{name}`" for name in table) or "none"
                raise InvalidSpec(
                    f"{at} asks for the optional dependencies `{extra}`, which the project has not: it has {names}",
                    "they are the names under `[project.optional-dependencies]`",
                )
            name, values = there[extra]
            for word in self._requirements(values, f"project.optional-dependencies.{name}"):
                parsed = pep508.parsed(word.text)
                if parsed.name == own and parsed.url is None:
                    waiting += [(canonicalize_name(each), word.place) for each in sorted(parsed.extras)]
                else:
                    yield word

    def _requirements(self, values: object, key: str) -> Iterator[Word]:
        if not isinstance(values, list):
            raise self._wrong(key, values, "a list of requirements")
        for value in values:
            if not isinstance(value, str):
                raise self._wrong(key, value, "a requirement in quotes")
            try:
                yield Word(pep508.parse(value, self._path.parent), self._at(value))
            except NotARequirement as error:
                shown = credentials.hidden(value)
                raise InvalidSpec(f"{self._at(value)}: `{shown}` in `{key}` {error}", error.hint) from error

    def _pythons(self, project: Mapping[str, Any]) -> Iterator[Word]:
        value = project.get("requires-python")
        if value is None:
            return
        try:
            yield Word(of_specifier(str(value)), self._at("requires-python"))
        except NotASpecifier as error:
            raise self._wrong("project.requires-python", value, "a version specifier like `>=3.10`") from error

    def _wrong(self, key: str, found: object, expected: str) -> InvalidSpec:
        at = self._at(key.rpartition(".")[2])
        return InvalidSpec(f"{at}: `{key}` is `{found}`; expected {expected}", "write it as PEP 621 says")

    def _at(self, *texts: str) -> str:
        """The first line that has one of the texts: TOML is read without lines."""
        lines = self._text.splitlines()
        found = (number for text in texts for number, line in enumerate(lines, 1) if text in line)
        return place(str(self._path), next(found, 1))
