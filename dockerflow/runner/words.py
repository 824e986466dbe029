"""Keyword arguments as words of a command line.

Which options there are is asked of the command itself. They stand before the flow's file, and the flow's parameters
behind it, where a name is a parameter first: so a flow may have a parameter `store` here, too. An argument that is
neither is refused before anything is started.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from dockerflow.runner.errors import UnknownArgument, UnusableValue

__all__ = ["PROGRAM", "checked_options", "command_line"]

# The command of this very Python, whatever is first in PATH.
PROGRAM = (sys.executable, "-m", "dockerflow")

# Metaflow's names of arguments, where the option has another one here.
_SAME = {
    "datastore_root": "store",
    "decospecs": "with_",
    "step_to_rerun": "step",
    "tags": "tag",
    "user_namespace": "namespace",
}

Run = Callable[[list[str]], "subprocess.CompletedProcess[str]"]


def command_line(command: str, file: str, top: Mapping[str, Any], given: Mapping[str, Any], run: Run) -> list[str]:
    """The words behind the program: `top` are options alone, `given` are options and parameters. `run` carries out a
    command, to ask for the parameters that do not stand in the text of the file.

    Raises UnknownArgument or UnusableValue.
    """
    options, written = _options(command), _written_in(file)
    theirs = {name: value for name, value in given.items() if _normal(name) in written}
    ours = {**top, **{name: value for name, value in given.items() if name not in theirs}}
    unknown = {name: value for name, value in ours.items() if name not in options and name not in _ignored()}
    if unknown:
        words = _words_of({name: ours[name] for name in _OF_FILE if name in ours}, options)
        _refuse([*unknown], _parameters(file, words, run), options, command)
    arguments = [
        _text(name, ours[name]) for name in ours if name in options and _is_argument(options[name], ours[name])
    ]
    values = {name: value for name, value in {**theirs, **unknown}.items() if value is not None}
    return [
        command,
        *_words_of(ours, options),
        file,
        *arguments,
        *(f"--{name}={_text(name, value)}" for name, value in values.items()),
    ]


def _is_argument(option: _Option, value: Any) -> bool:
    return not option.is_option and value is not None


def checked_options(command: str, given: Mapping[str, Any]) -> None:
    """Raises UnknownArgument for what is no option of the command."""
    options = _options(command)
    _refuse([name for name in given if name not in options and name not in _ignored()], None, options, command)


# ---- which there are

# Options that decide which parameters a file has.
_OF_FILE = ("flow", "with_", "decospecs", "config", "config_value")


class _Option:
    """One option or argument of the command."""

    def __init__(self, parameter: Any) -> None:
        self.is_option = parameter.param_type_name == "option"
        self.word = max(parameter.opts, key=len)
        self.off = next(iter(parameter.secondary_opts), None)
        self.is_flag = bool(getattr(parameter, "is_flag", False))
        self.multiple = bool(getattr(parameter, "multiple", False))
        self.count = parameter.nargs


def _options(command: str) -> dict[str, _Option]:
    """By the names of arguments, Metaflow's among them."""
    from typer.main import get_command  # noqa: PLC0415 - who only imports `Runner` does not wait for it

    from dockerflow.cli.app import app  # noqa: PLC0415

    found = get_command(app).commands[command].params  # type: ignore[attr-defined]
    options = {each.name: _Option(each) for each in found if each.name not in _NOT}
    return {**options, **{theirs: options[ours] for theirs, ours in _SAME.items() if ours in options}}


# The file is named apart from them, and we are told of the run in our own way.
_NOT = ("flow_file", "runner_attribute_file")


def _ignored() -> set[str]:
    """What Metaflow takes and has no meaning here."""
    from dockerflow.cli.metaflow_options import IGNORED  # noqa: PLC0415 - as above

    return {_normal(word) for word in IGNORED}


def _written_in(file: str) -> set[str]:
    from dockerflow.cli.flow_first import written_in  # noqa: PLC0415 - as above

    return {_normal(name) for name in written_in(file)}


def _parameters(file: str, words: list[str], run: Run) -> set[str] | None:
    """Those of the flow when it is loaded: inherited ones, and what decorators of the flow add. None if it cannot be
    loaded; the command says why."""
    done = run(["show", "--json", *words, file])
    if done.returncode != 0:
        return None
    return {_normal(each["name"]) for each in json.loads(done.stdout)["parameters"]}


def _refuse(unknown: list[str], parameters: set[str] | None, options: Mapping[str, _Option], command: str) -> None:
    """Raise UnknownArgument for the first that is no parameter either. `parameters` None: only options are asked for,
    or the flow cannot be loaded."""
    wrong = [name for name in unknown if parameters is None or _normal(name) not in parameters]
    if not wrong:
        return
    listed = sorted({name for name in options if name not in _SAME} | (parameters or set()))
    near = get_close_matches(wrong[0], listed, 1)
    what = f"no option of `dockerflow {command}`" + (" and no parameter of the flow" if parameters else "")
    meant = f"did you mean `{near[0]}`? " if near else ""
    message = f"`{wrong[0]}` is {what}"
    raise UnknownArgument(message, f"{meant}there is {', '.join(f'`{name}`' for name in listed)}")


def _normal(name: str) -> str:
    return name.lstrip("-").lower().replace("-", "_")


# ---- values


def _words_of(given: Mapping[str, Any], options: Mapping[str, _Option]) -> list[str]:
    """None is no value, as in Metaflow."""
    named = [(name, value, options[name]) for name, value in given.items() if name in options and value is not None]
    return [word for name, value, option in named if option.is_option for word in _of_option(name, value, option)]


def _of_option(name: str, value: Any, option: _Option) -> Iterator[str]:
    if option.is_flag:
        word = option.word if value else option.off
        yield from [word] if word else []
        return
    for each in _several(value) if option.multiple else [value]:
        if option.count > 1:
            yield from (option.word, *(_text(name, part) for part in each))
        else:
            yield f"{option.word}={_text(name, each)}"


def _several(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.items())
    return list(value) if isinstance(value, (list, tuple, set, frozenset)) else [value]


def _text(name: str, value: Any) -> str:
    """As the command reads it back; what has parts is JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    whole = value.to_dict() if hasattr(value, "to_dict") else value  # a `ConfigValue`
    if not isinstance(whole, (Mapping, list, tuple)):
        return str(whole)
    try:
        return json.dumps(dict(whole) if isinstance(whole, Mapping) else whole)
    except (TypeError, ValueError) as error:
        raise UnusableValue(
            f"`{name}` cannot be given to a flow: {error}", "give what JSON can hold, or the name of a file"
        ) from error
