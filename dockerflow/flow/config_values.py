"""The values of a flow's configs: from the command line, from files, from defaults.

Everything wrong is reported at once. Only the machine that launches a run does this: containers and resumed runs are
given the values. Relative paths begin at the working directory.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import difflib
import importlib
import json
import os
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from dockerflow.flow.config import Written
from dockerflow.flow.config_value import plain
from dockerflow.flow.errors import FlowError, ParameterError
from dockerflow.flow.given import Given
from dockerflow.flow.parameters import ParameterContext, user_name
from dockerflow.flow.tracebacks import traceback_of

__all__ = ["config_values"]


class _Bad(Exception):
    """One config without a usable value; the text goes into the report."""

    def __init__(self, text: str, hint: Optional[str] = None) -> None:
        super().__init__(text)
        self.hint = hint


def config_values(configs: Sequence[Written], given: Given, flow: str) -> Dict[str, Any]:
    """The value of every config by its name, as JSON has it. Raises ParameterError with all that is wrong."""
    values: Dict[str, Any] = {}
    wrong: List[_Bad] = list(_unknown(configs, given.configs))
    for config in configs:
        if config.name in given.values and config.name not in given.configs:
            values[config.name] = given.values[config.name]
            continue
        try:
            text = given.configs.get(config.name)
            values[config.name] = _value(config, _of_environment(config) if text is None else text, flow)
        except _Bad as bad:
            wrong.append(bad)
    if wrong:
        hints = [bad.hint for bad in wrong if bad.hint]
        raise ParameterError("\n".join(map(str, wrong)), "\n".join(dict.fromkeys(hints)) or None)
    return values


def _unknown(configs: Sequence[Written], given: Mapping[str, str]) -> Iterator[_Bad]:
    names = [config.name for config in configs]
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            has = ", ".join(f"`{each}`" for each in names)
            hint = f"did you mean `{near[0]}`?" if near else f"the flow has {has}" if has else "it has none"
            yield _Bad(f"the flow has no config `{name}`", hint)


# Dictionaries from config to path and from config to value; Metaflow's own are looked at, too.
_PATHS = ("DOCKERFLOW_FLOW_CONFIG", "METAFLOW_FLOW_CONFIG")
_VALUES = ("DOCKERFLOW_FLOW_CONFIG_VALUE", "METAFLOW_FLOW_CONFIG_VALUE")


def _of_environment(config: Written) -> Optional[str]:
    for paths, values in zip(_PATHS, _VALUES):
        by_path, by_value = _variable(paths), _variable(values)
        if config.name in by_value:
            value = by_value[config.name]
            return value if isinstance(value, str) else json.dumps(value)
        if config.name in by_path:
            return _read(config, by_path[config.name])
    return None


def _variable(name: str) -> Mapping[str, Any]:
    text = os.environ.get(name, "").strip()
    try:
        found = json.loads(text) if text else {}
    except ValueError as error:
        raise _Bad(f"the variable `{name}` is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise _Bad(f"the variable `{name}` is `{text}`; expected a dictionary with the flow's configs as keys")
    return found


def _value(config: Written, text: Optional[str], flow: str) -> Any:
    if text is None:
        text = _default(config, flow)
    if text is None:
        if config.required:
            raise _Bad(f"config `{config.name}` is required", f"give it with `--config {config.name} PATH`")
        return None
    value = _parsed(config, text)
    try:
        return json.loads(json.dumps(plain(value)))
    except (TypeError, ValueError) as error:
        hint = "let the parser return what JSON has: texts, numbers, lists, dictionaries"
        raise _Bad(f"the value of config `{config.name}` is not what JSON has: {error}", hint) from error


def _default(config: Written, flow: str) -> Optional[str]:
    path, value = _called(config, config.default, flow), _called(config, config.default_value, flow)
    if path is not None:
        return _read(config, path)
    return value if value is None or isinstance(value, str) else _text(config, value)


def _called(config: Written, default: Any, flow: str) -> Any:
    if not callable(default):
        return default
    try:
        return default(ParameterContext(flow, user_name(), config.name))
    except FlowError:
        raise
    except Exception as error:
        text = f"the function that gives the default of config `{config.name}` failed\n\n{traceback_of(error)}"
        raise _Bad(text) from error


def _text(config: Written, value: Any) -> str:
    try:
        return json.dumps(value)
    except (TypeError, ValueError) as error:
        raise _Bad(f"the default of config `{config.name}` is no JSON: {error}") from error


def _read(config: Written, path: Any) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, TypeError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        hint = f"relative paths begin at `{os.getcwd()}`; `--config {config.name} PATH` names another file"
        raise _Bad(f"the file of config `{config.name}`, `{path}`, cannot be read: {why}", hint) from error


def _parsed(config: Written, text: str) -> Any:
    if config.parser is None:
        return text if config.plain else _mapping(config, *_json(config, text))
    name = config.parser if isinstance(config.parser, str) else getattr(config.parser, "__name__", "parser")
    try:
        value = _parser(config)(text)
    except (FlowError, _Bad):
        raise
    except Exception as error:
        text = f"the parser `{name}` of config `{config.name}` failed\n\n{traceback_of(error)}"
        raise _Bad(text) from error
    return value if config.plain else _mapping(config, value, f"what the parser `{name}` returned")


def _json(config: Written, text: str) -> Tuple[Any, str]:
    try:
        return json.loads(text), "the text"
    except ValueError as error:
        hint = "give the config a `parser` for another format, or `plain=True` to take the text as it is"
        raise _Bad(f"config `{config.name}` is no JSON: {error}", hint) from error


def _mapping(config: Written, value: Any, what: str) -> Any:
    if isinstance(value, Mapping):
        return value
    hint = "`plain=True` takes any value"
    raise _Bad(f"config `{config.name}` is no dictionary: {what} is of type `{type(value).__name__}`", hint)


def _parser(config: Written) -> Any:
    if callable(config.parser):
        return config.parser
    module, _, name = str(config.parser).rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        message = f"the parser `{config.parser}` of config `{config.name}` cannot be imported: {error}"
        raise _Bad(message, "name it as `module.function`") from error
