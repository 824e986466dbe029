"""Read the secrets that steps ask for, on the machine that starts the run.

All that cannot be read is told at once, before anything is built. What is read goes to the tasks that asked for it and
nowhere else: no message, record or representation has a value.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath

from dockerflow.flow.definition import Environment, Flow, Secrets, SecretSource, Step
from dockerflow.flow.secret_sources import has_names, wrong_name
from dockerflow.runtime.messages import Secret
from dockerflow.scheduler.errors import RunError

__all__ = ["read_secrets"]

_HINT = "secrets are read on the machine that starts the run: set the variables and write the files there"


class _CannotRead(Exception):
    """Why a source gives nothing."""


def read_secrets(flow: Flow) -> Mapping[str, tuple[Secret, ...]]:
    """The secrets by step. Raises RunError with everything that is missing."""
    found: dict[str, tuple[Secret, ...]] = {}
    wrong: dict[str, None] = {}
    for step in flow.steps.values():
        asked = step.decorator(Secrets)
        if asked is not None:
            secrets, faults = _of_step(step, asked)
            found[step.name] = secrets
            wrong.update((f"step `{step.name}`: {fault}", None) for fault in faults)
    if wrong:
        raise RunError("\n".join(["secrets cannot be read", *(f"  {fault}" for fault in wrong)]), _HINT)
    return found


def _of_step(step: Step, asked: Secrets) -> tuple[tuple[Secret, ...], list[str]]:
    values: dict[str, str] = {}
    faults: list[str] = []
    for source in asked.sources:
        try:
            read = _read(source)
        except _CannotRead as error:
            faults.append(str(error))
            continue
        faults += [f"`{name}` comes from two sources" for name in read if name in values]
        values.update(read)
    if not asked.allow_override:
        given = dict((step.decorator(Environment) or Environment()).vars)
        faults += [f"`{name}` is set by `@environment` as well" for name in values if name in given]
    return tuple(Secret(name, value) for name, value in sorted(values.items())), faults


def _read(source: SecretSource) -> dict[str, str]:
    if source.kind == "inline":
        return dict(source.values)
    if source.kind == "env":
        value = os.environ.get(source.name)
        if value is None:
            raise _CannotRead(f"the variable `{source.name}` is not set")
        return _named({source.variable or source.name: value}, f"variable `{source.name}`")
    return _named(_of_file(source), f"`{source.name}`")


def _of_file(source: SecretSource) -> dict[str, str]:
    path = Path(source.name)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise _CannotRead(f"`{path}` cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _CannotRead(f"`{path}` is no text in UTF-8") from None
    if source.variable is not None:
        return {source.variable: text[:-1] if text.endswith("\n") else text}
    if not has_names(source.name):
        raise _CannotRead(f"`{path}` does not say which variable it is for")
    return _of_json(path, text) if path.suffix == ".json" else dict(_of_dotenv(path, text))


def _of_json(path: PurePath, text: str) -> dict[str, str]:
    try:
        values = json.loads(text)
    except ValueError:  # its message may show what stands in the file
        raise _CannotRead(f"`{path}` is no JSON") from None
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise _CannotRead(f"`{path}` holds no JSON object whose values are texts")
    return values


def _of_dotenv(path: PurePath, text: str) -> Iterator[tuple[str, str]]:
    """Lines `NAME=value`, perhaps after `export`, with the value in quotes or not; empty lines and comments."""
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip().removeprefix("export ").strip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals:
            raise _CannotRead(f"line {number} of `{path}` is no `NAME=value`")
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        yield name, value[1:-1] if quoted else value


def _named(values: dict[str, str], where: str) -> dict[str, str]:
    for name, value in values.items():
        reason = wrong_name(name)
        if reason is not None:
            raise _CannotRead(f"{where}: {reason}")
        if "\0" in value:
            raise _CannotRead(f"{where}: `{name}` has a null character")
    return values
