"""Where the secrets of a step come from, as `@secrets` says it. Nothing is read here: see `scheduler.secrets`.

    env:NAME                a variable of the machine that starts the run
    file:PATH               a `.env` file (`NAME=value` in each line), or a `.json` file with an object of texts
    VARIABLE=env:NAME       the same under another name
    VARIABLE=file:PATH      the whole content of a file, as one secret
    {"type": "inline", "options": {"env_vars": {...}}}      as in Metaflow, for tests: it stands in the code
    {"type": "env" or "file", "id": ..., "options": {"variable": ...}}      the same as the texts above

Paths are seen from the file that the decorator is written in. Services in a cloud are for Metaflow alone.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, Optional, Tuple

from dockerflow.flow.decorators import Written
from dockerflow.flow.definition import Secrets, SecretSource
from dockerflow.flow.options import Options, Report, expected, true_or_false

__all__ = ["has_names", "secrets", "wrong_name"]

_TEXT = re.compile(r"(?:(?P<variable>[A-Za-z_]\w*)=)?(?P<kind>env|file):(?P<name>.+)", re.ASCII | re.DOTALL)
_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_OURS = ("METAFLOW_", "DOCKERFLOW_")
_CLOUDS = ("aws-secrets-manager", "gcp-secret-manager", "az-key-vault")
_HINT = "write `env:NAME` for a variable of this machine, or `file:PATH` for a `.env` or `.json` file"


def secrets(written: Written, options: Options, report: Report) -> Secrets:
    """The value of `@secrets`. `role` is for a cloud."""
    given = options.get("sources", [])
    if not isinstance(given, (list, tuple)):
        expected(written, "sources", 'a list, like `["env:API_TOKEN"]`', "a text" if given else given, report)
        given = []
    found = [_source(written, each, report) for each in given]
    override = true_or_false(written, options, "allow_override", report) or False
    return Secrets(tuple(each for each in found if each is not None), override)


def has_names(path: str) -> bool:
    """Whether a file says which variables its secrets are for; otherwise its whole content is one secret."""
    name = os.path.basename(path)
    return name.endswith((".json", ".env")) or name.startswith(".env")


def wrong_name(name: object) -> Optional[str]:
    """Why a secret cannot go into a variable of this name; None if it can."""
    if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
        return f"`{name}` is no name of a variable"
    ours = next((prefix for prefix in _OURS if name.startswith(prefix)), None)
    return f"`{name}` begins with `{ours}`, which is kept for settings" if ours else None


def _source(written: Written, given: Any, report: Report) -> Optional[SecretSource]:
    try:
        source = _of_text(given) if isinstance(given, str) else _of_dictionary(given)
        if source.kind == "file":
            folder = os.path.dirname(os.path.abspath(written.file))
            path = os.path.normpath(os.path.join(folder, os.path.expanduser(source.name)))
            source = SecretSource("file", path, source.variable)
            if source.variable is None and not has_names(path):
                name = os.path.basename(path)
                raise _Wrong(f"`{name}` does not say which variable it is for", f"write `VARIABLE=file:{name}`")
        return source
    except _Wrong as wrong:
        report.add(written.file, written.line, f"a source of `@secrets`: {wrong}", wrong.hint)
        return None


class _Wrong(Exception):
    def __init__(self, message: str, hint: Optional[str] = _HINT) -> None:
        super().__init__(message)
        self.hint = hint


def _of_text(text: str) -> SecretSource:
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        service = text.partition(".")[0]
        raise _elsewhere(service) if service in _CLOUDS else _Wrong(f"`{text}` is no source of this machine")
    if found["kind"] == "env" and not _VARIABLE.fullmatch(found["name"]):
        raise _Wrong(f"`{found['name']}` is no name of a variable")
    return SecretSource(found["kind"], found["name"], _checked(found["variable"]))


def _of_dictionary(given: Any) -> SecretSource:
    if not isinstance(given, dict):
        raise _Wrong(f"a `{type(given).__name__}` where a text or a dictionary is expected")
    kind, name, options = given.get("type"), given.get("id"), given.get("options", {})
    if kind in _CLOUDS:
        raise _elsewhere(str(kind))
    if not isinstance(options, dict):
        raise _Wrong(f"its `options` are a `{type(options).__name__}`; expected a dictionary")
    if kind == "inline":
        return SecretSource("inline", str(name or "inline"), values=_values(options.get("env_vars", {})))
    if kind not in ("env", "file"):
        raise _Wrong(f"its `type` is `{kind!r}`; expected `env`, `file` or `inline`")
    if not isinstance(name, str) or not name:
        raise _Wrong(f"its `id` is `{name!r}`; expected the name of a variable or the path of a file")
    return SecretSource(kind, name, _checked(options.get("variable")))


def _elsewhere(service: str) -> _Wrong:
    return _Wrong(f"secrets of `{service}` cannot be read here", f"fetch it before the run; then {_HINT}")


def _checked(variable: Optional[str]) -> Optional[str]:
    reason = None if variable is None else wrong_name(variable)
    if reason is not None:
        raise _Wrong(reason, "give it another name")
    return variable


def _values(given: Any) -> Tuple[Tuple[str, str], ...]:
    """What stands in the code itself. No message says a value."""
    if not isinstance(given, dict):
        raise _Wrong(f"its `env_vars` are a `{type(given).__name__}`; expected a dictionary")
    found: Dict[str, str] = {}
    wrong: List[str] = []
    for name, value in given.items():
        reason = wrong_name(name) or (None if isinstance(value, str) else f"the value of `{name}` is no text")
        if reason is None:
            found[name] = value
        else:
            wrong.append(reason)
    if wrong:
        raise _Wrong("; ".join(wrong), None)
    return tuple(sorted(found.items()))
