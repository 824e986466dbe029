"""`python flow.py …`: the commands of `dockerflow` for the one flow of a file, in Metaflow's order of words.

    python flow.py [options] COMMAND [options of the command]

A file that ends in `MyFlow()` becomes the command when Python runs it. Its commands are those of `dockerflow` that
name a flow file or a pathspec, made from them one by one, whichever there are: the file and the flow are filled in, and
a pathspec needs no flow's name. What may stand before the command is in `metaflow_options`.
"""

from __future__ import annotations

import ast
import copy
import inspect
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from typer.main import get_command

from dockerflow.cli import metaflow_options
from dockerflow.cli.commands import Commands, carry_out, unknown_command
from dockerflow.cli.errors import CommandLineError
from dockerflow.lazy_dataclasses import dataclass

FILE, FLOW, PATHSPEC, RUN = "FLOW.PY", "--flow", "PATHSPEC", "RUN"

# Commands that are about neither, and make sense here all the same.
_ALSO = ("version",)
# Whose words are about images, whatever made them.
_NOT = ("images",)

_NEXT = (("show", "draws the flow"), ("run", "runs it"), ("help", "lists all commands and options"))


@dataclass(frozen=True)
class OwnFlow:
    """The flow of the file that Python runs: its name and its file. `path` is how the user calls it.

    `before` is how many of a command's words stood before the command.
    """

    name: str
    file: str
    before: int = 0

    @property
    def path(self) -> str:
        return f"python {os.path.relpath(self.file)}"

    def pathspec(self, word: str) -> str:
        return word if word.split("/")[0] == self.name else f"{self.name}/{word}"

    def run(self, word: str) -> str:
        """As of a pathspec; it may be one of another flow, to hold against one of this."""
        return word if "/" in word else self.pathspec(word)


def main(cls: Any) -> int:
    """Be the command for a flow's class, with the words of this process. Returns the exit code."""
    from dockerflow.cli.main import guarded

    return guarded(lambda: _carry_out(_own(cls), sys.argv[1:]))


def _own(cls: Any) -> OwnFlow:
    """The script that Python runs, if one gets at the flow by importing it; else the file that it is written in."""
    script = getattr(sys.modules["__main__"], "__file__", None)
    written = getattr(sys.modules.get(cls.__module__), "__file__", None)
    if script is None or not os.path.isfile(script):
        hint = "write it into a file, and run that: `python flow.py run`"
        raise CommandLineError(f"flow `{cls.__name__}` cannot be run from here: no file is being run", hint)
    here = written is None or written == script or _imports(script, cls.__name__)
    return OwnFlow(cls.__name__, str(script if here else written))


def _imports(script: str, name: str) -> bool:
    """Whether a script imports a name at its top, not only when it is run."""
    body = ast.parse(Path(script).read_bytes()).body
    aliases = (alias for node in body if isinstance(node, ast.ImportFrom) for alias in node.names)
    return any((alias.asname or alias.name) == name for alias in aliases)


def _carry_out(own: OwnFlow, words: Sequence[str]) -> int:
    from dockerflow.cli.app import app

    group = _group(get_command(app), own)
    before, rest = metaflow_options.split(words, _options(group), own.path)
    command, *arguments = _command(rest, group, own)
    accepted = _options_of(group.commands.get(command))
    given, left = metaflow_options.moved(before, accepted)
    metaflow_options.tell(left)
    code = carry_out(group, [command, *given, *arguments], own.path, replace(own, before=len(given)))
    if not rest and code == 0:
        print("\n".join(["", *(f"`{own.path} {word}` {what}" for word, what in _NEXT)]))
    return code


def _command(words: Sequence[str], group: Commands, own: OwnFlow) -> list[str]:
    """The command and its words, as they are ours: no command means `check`, as it does in Metaflow."""
    command, *arguments = words or ["check"]
    if command in ("help", "--help"):
        return ["--help"]
    if command not in group.commands:
        raise unknown_command(command, [*group.commands, "help"], own.path)
    if command == "logs" and arguments[:1] == ["show"]:  # Metaflow has a group of commands there
        arguments = arguments[1:]
    return [command, *arguments]


class _OwnCommands(Commands):
    """The group of a flow's own commands; its help has the options that stand before a command."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        for title, records in metaflow_options.help_records():
            with formatter.section(title):
                formatter.write_dl(records)
        self.format_commands(ctx, formatter)


def _group(whole: Any, own: OwnFlow) -> Commands:
    commands = _bound_commands(whole.commands, own)
    epilog = f"`{own.path} COMMAND --help` tells more about a command."
    return _OwnCommands(commands=commands, help=f"The flow {own.name}.", epilog=epilog, rich_markup_mode=None)


def _bound_commands(commands: Mapping[str, Any], own: OwnFlow) -> dict[str, Any]:
    bound = {name: _bound(name, command, own) for name, command in commands.items() if name not in _NOT}
    return {name: command for name, command in bound.items() if command is not None}


def _bound(name: str, command: Any, own: OwnFlow) -> Any:
    """A command, or a group, with the flow filled in; None for one that has nothing to do with a flow."""
    bound = copy.copy(command)
    if hasattr(command, "commands"):
        bound.commands = _bound_commands(command.commands, own)
        return bound if bound.commands else None
    kinds = inspect.signature(command.callback, eval_str=True).parameters
    values = {each.name: _value(each, kinds[each.name].annotation, own) for each in command.params}
    preset = {key: value for key, value in values.items() if value is not None}
    meant = {PATHSPEC: own.pathspec, RUN: own.run}
    with_pathspec = {each.name: meant[_metavar(each)] for each in command.params if _metavar(each) in meant}
    if not preset and not with_pathspec and name not in _ALSO:
        return None
    bound.params = [each for each in command.params if each.name not in preset]
    bound.callback = _with(command.callback, preset, with_pathspec)
    return bound


def _value(parameter: Any, annotation: Any, own: OwnFlow) -> Any:
    """What is filled in for a parameter of a command; None where the user says it."""
    if _metavar(parameter) == FILE and parameter.nargs == 1:
        return Path(own.file) if get_args(annotation)[0] is Path else own.file
    return own.name if FLOW in parameter.opts else None


def _metavar(parameter: Any) -> str:
    return (getattr(parameter, "metavar", None) or "").partition("|")[0]


def _with(
    callback: Callable[..., Any], preset: Mapping[str, Any], pathspecs: Mapping[str, Callable[[str], str]]
) -> Callable[..., Any]:
    def called(**values: Any) -> Any:
        for name, whole in pathspecs.items():
            if isinstance(values.get(name), str):
                values[name] = whole(values[name])
        return callback(**values, **preset)

    return called


def _options(group: Any) -> dict[str, int]:
    """Every option of every command, and how many values it takes."""
    found = _options_of(group)
    for command in getattr(group, "commands", {}).values():
        found |= {word: max(count, found.get(word, 0)) for word, count in _options(command).items()}
    return found


def _options_of(command: Any) -> dict[str, int]:
    return {
        word: 0 if getattr(each, "is_flag", False) else each.nargs
        for each in getattr(command, "params", ())
        if each.param_type_name == "option"
        for word in (*each.opts, *each.secondary_opts)
    }
