"""From what was written on the command line to the values of a flow's parameters.

Everything wrong is reported at once: values that are missing, unknown or of the wrong type, files that cannot be
read. Only the machine that launches a run does this; the steps read the values from the store.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import difflib
import getpass
import io
import json
import os
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

from dockerflow.flow.config_value import ConfigValue
from dockerflow.flow.errors import FlowError, ParameterError
from dockerflow.flow.parameter import IncludeFile, JSONType, JSONTypeClass, Parameter
from dockerflow.flow.tracebacks import traceback_of

__all__ = ["IncludeFile", "JSONType", "JSONTypeClass", "Parameter", "ParameterContext", "resolve", "user_name"]


class ParameterContext(NamedTuple):
    """What a function given as `default` is called with; the fields are Metaflow's."""

    flow_name: str
    user_name: str
    parameter_name: str
    logger: Callable[..., None] = print
    ds_type: str = "local"
    configs: Any = None


class _Bad(Exception):
    """One value that cannot be used; the text goes into the report."""

    def __init__(self, text: str, hint: Optional[str] = None) -> None:
        super().__init__(text)
        self.hint = hint


def resolve(loaded: Any, given: Mapping[str, str]) -> Dict[str, Any]:
    """The value of every parameter of a `loading.LoadedFlow`, by attribute; `given` are texts by parameter name.

    Files are read from where they are, relative to the working directory. Raises ParameterError with all that is
    wrong.
    """
    texts = {_normal(name): text for name, text in given.items()}
    parameters: List[Parameter] = [getattr(loaded.cls, item.attribute) for item in loaded.flow.parameters]
    values: Dict[str, Any] = {}
    context = ParameterContext(loaded.flow.name, user_name(), "", configs=_configs(loaded))
    wrong = list(_unknown(given, [parameter.name for parameter in parameters]))
    for parameter in parameters:
        try:
            values[parameter.attribute] = _value(parameter, texts.get(_normal(parameter.name)), context)
        except _Bad as bad:
            wrong.append(bad)
    if wrong:
        hints = [bad.hint for bad in wrong if bad.hint]
        raise ParameterError("\n".join(map(str, wrong)), "\n".join(dict.fromkeys(hints)) or None)
    values.update((config.attribute, loaded.given.values.get(config.name)) for config in loaded.flow.configs)
    return values


def fault_of_default(parameter: Parameter) -> List[Tuple[str, Optional[str]]]:
    """Why the default cannot be the parameter's value, as a message and a hint; nothing if it can.

    A file need not be there yet: another may be named when the flow is run.
    """
    try:
        if parameter.kind == "file":
            _path(parameter, parameter.default)
        else:
            _CONVERT[parameter.kind](parameter, parameter.default)
    except _Bad as bad:
        return [(f"the default of {bad}", bad.hint or "write a default of its type, or leave out `type`")]
    return []


def _normal(name: str) -> str:
    return name.lower().replace("-", "_")


def _unknown(given: Mapping[str, str], names: List[str]) -> List[_Bad]:
    known = {_normal(name): name for name in names}
    found = []
    for name in given:
        if _normal(name) in known:
            continue
        near = difflib.get_close_matches(_normal(name), known, 1)
        has = ", ".join(f"`--{each}`" for each in names)
        hint = f"did you mean `--{known[near[0]]}`?" if near else f"the flow has {has}" if has else "it has none"
        found.append(_Bad(f"the flow has no parameter `{name}`", hint))
    return found


def _configs(loaded: Any) -> ConfigValue:
    """The flow's configs by their names, as functions that give defaults see them."""
    values = loaded.given.values
    return ConfigValue({config.name: values.get(config.name) for config in loaded.flow.configs})


def _value(parameter: Parameter, text: Optional[str], context: ParameterContext) -> Any:
    given = None if text is None else _converted(parameter, text)
    if given is not None:
        return given
    if parameter.required:  # JSON's `null` gives nothing, as in Metaflow
        shown = "PATH" if parameter.kind == "file" else "VALUE"
        raise _Bad(f"parameter `{parameter.name}` is required", f"give it with `--{parameter.name} {shown}`")
    value = _default(parameter, context)
    return None if value is None else _converted(parameter, value)


def _converted(parameter: Parameter, value: Any) -> Any:
    converted = _CONVERT[parameter.kind](parameter, value)
    return converted.split(parameter.separator) if parameter.separator and converted else converted


def _default(parameter: Parameter, context: ParameterContext) -> Any:
    if not callable(parameter.default):
        return parameter.default
    try:
        value = parameter.default(context._replace(parameter_name=parameter.name))
    except FlowError:
        raise
    except Exception as error:
        text = f"the function that gives the default of parameter `{parameter.name}` failed\n\n{traceback_of(error)}"
        raise _Bad(text) from error
    kind = str if parameter.kind == "file" else parameter.type or str
    if value is not None and isinstance(kind, type) and type(value) is not kind:
        shown = f"the function that gives the default of parameter `{parameter.name}` returned `{value!r}`"
        raise _Bad(f"{shown}; expected a value of type `{kind.__name__}`")
    return value


def user_name() -> str:
    """Who runs this: `DOCKERFLOW_USER`, `METAFLOW_USER` or `USER`, or else the user of the process."""
    for variable in ("DOCKERFLOW_USER", "METAFLOW_USER", "USER"):
        if os.environ.get(variable):
            return os.environ[variable]
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a uid without an entry in the user database
        return str(os.getuid())


def _bad(parameter: Parameter, value: Any, expected: str, hint: Optional[str] = None) -> _Bad:
    text = value if isinstance(value, str) else repr(value)
    shown = text if len(text) <= 60 else text[:57] + "..."
    return _Bad(f"parameter `{parameter.name}` is `{shown}`; expected {expected}", hint)


def _text(parameter: Parameter, value: Any) -> Any:
    if isinstance(value, (str, int, float)):  # a default that is none stays what it is, as in Metaflow
        return value
    raise _bad(parameter, value, "a text")


def _integer(parameter: Parameter, value: Any) -> int:
    try:
        if isinstance(value, (str, int)) or (isinstance(value, float) and value.is_integer()):
            return int(value)
    except ValueError:
        pass
    raise _bad(parameter, value, "a whole number")


def _float(parameter: Parameter, value: Any) -> float:
    try:
        if isinstance(value, (str, int, float)):
            return float(value)
    except (ValueError, OverflowError):
        pass
    raise _bad(parameter, value, "a number")


# The words that Metaflow's command line takes, and those of newer ones like it.
_WORDS = {
    **dict.fromkeys(("true", "t", "1", "yes", "y", "on"), True),
    **dict.fromkeys(("false", "f", "0", "no", "n", "off"), False),
}


def _boolean(parameter: Parameter, value: Any) -> bool:
    found = _WORDS.get(str(value).strip().lower())
    if found is None:
        raise _bad(parameter, value, "`true` or `false`")
    return found


def _json(parameter: Parameter, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        hint = "on a command line put the JSON in single quotes: '{\"key\": [1, 2]}'"
        raise _bad(parameter, value, f"JSON ({error})", hint) from error


def _path(parameter: Parameter, value: Any) -> str:
    if not isinstance(value, (str, os.PathLike)):
        raise _bad(parameter, value, "the path of a file")
    return os.path.expanduser(os.fspath(value))


def _file(parameter: Parameter, value: Any) -> Any:
    path = _path(parameter, value)
    if not isinstance(parameter, IncludeFile):
        raise TypeError(f"parameter `{parameter.name}` includes no file")
    try:
        with open(path, "rb") as file:
            content = file.read()
        # As a text file is read: the line ends of any system become `\n`.
        return io.TextIOWrapper(io.BytesIO(content), parameter.encoding).read() if parameter.is_text else content
    except OSError as error:
        hint = f"relative paths begin at `{os.getcwd()}`" if not os.path.isabs(path) else None
        raise _bad(parameter, path, f"a readable file ({error.strerror or error})", hint) from error
    except UnicodeDecodeError as error:
        found = f"byte {error.object[error.start]:#04x} at {error.start}"
        hint = "use `IncludeFile(..., is_text=False)` for bytes, or name the file's `encoding`"
        raise _bad(parameter, path, f"a text in {parameter.encoding} (it has {found})", hint) from error


_CONVERT: Dict[str, Callable[[Parameter, Any], Any]] = {
    "str": _text,
    "int": _integer,
    "float": _float,
    "bool": _boolean,
    "json": _json,
    "file": _file,
}
