"""A lock file as YAML values, each of which is looked up with its place, so that an error can name the line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from dockerflow.environments.errors import LockFileError
from dockerflow.lazy_dataclasses import dataclass

Key = str | int

HINT = "restore the file from version control, or write it again with `dockerflow lock`"

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Document:
    """`source` is the file's path or its key in the store."""

    source: str
    content: str
    values: Mapping[str, Any]

    @classmethod
    def parse(cls, content: str, source: str) -> Document:
        try:
            values = yaml.load(content, Loader=_Loader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            place = f"{source}:{mark.line + 1}" if mark is not None else source
            what = getattr(error, "problem", None) or str(error)
            raise LockFileError(f"the lock `{place}` is not YAML: {what}", HINT) from error
        except (ValueError, RecursionError) as error:  # a date like 2021-99-99, or absurd nesting
            raise LockFileError(f"the lock `{source}` has a value that is none: {error}", HINT) from error
        if not isinstance(values, Mapping):
            raise LockFileError(f"the lock `{source}` is not a mapping with `version`, `metadata` and `package`", HINT)
        return cls(source, content, values)

    def error(self, path: tuple[Key, ...], problem: str, hint: str = HINT) -> LockFileError:
        """What is wrong at `path`, or at the nearest place above it that there is."""
        return LockFileError(f"the lock `{self.source}:{self._line(path)}` cannot be used: {problem}", hint)

    def get(self, *path: Key) -> Any:
        """The value at `path`, None where there is none."""
        value: Any = self.values
        for key in path:
            if isinstance(value, Mapping):
                value = value.get(key)
            elif isinstance(value, list) and isinstance(key, int) and key < len(value):
                value = value[key]
            else:
                return None
        return value

    def mapping(self, *path: Key, default: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        value = self.get(*path)
        if value is None and default is not None:
            return default
        if not isinstance(value, Mapping):
            raise self._missing(path, "a mapping")
        return value

    def list(self, *path: Key) -> list[Any]:
        value = self.get(*path)
        if not isinstance(value, list):
            raise self._missing(path, "a list")
        return value

    def text(self, *path: Key) -> str:
        value = self.get(*path)
        if not isinstance(value, str) or not value:
            raise self._missing(path, "text")
        return value

    def hold_against_conda_lock(self) -> None:
        """Raise LockFileError unless conda-lock itself takes the file."""
        from conda_lock.lockfile.v1.models import Lockfile  # type: ignore[import-untyped]  # noqa: PLC0415 - half a second
        from pydantic import ValidationError  # noqa: PLC0415 - comes with it

        try:
            Lockfile.model_validate(self.values)
        except ValidationError as invalid:
            first = invalid.errors()[0]
            raise self.error(first["loc"], f"`{_dotted(first['loc'])}`: {first['msg']}") from invalid

    def _missing(self, path: tuple[Key, ...], expected: str) -> LockFileError:
        found = self.get(*path)
        what = "is missing" if found is None else f"is `{found}`"
        return self.error(path, f"`{_dotted(path)}` {what}, where {expected} was expected")

    def _line(self, path: tuple[Key, ...]) -> int:
        node, line = yaml.compose(self.content, Loader=yaml.SafeLoader), 0
        for key in path:
            found = _below(node, key)
            if found is None:
                break
            node, line = found
        return line + 1


def _below(node: yaml.Node | None, key: Key) -> tuple[yaml.Node, int] | None:
    """The value of a key or an index, and the line where it begins."""
    if isinstance(node, yaml.MappingNode):
        return next(((value, name.start_mark.line) for name, value in node.value if name.value == key), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key], node.value[key].start_mark.line
    return None


def _dotted(path: tuple[Key, ...]) -> str:
    """`package[3].hash`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")
