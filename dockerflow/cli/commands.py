"""How a typer app becomes a call with an exit code, with our help texts and our errors.

The parser is typer's; what it says about a wrong command line becomes a `CommandLineError` here, so that it looks like
every other error. Help is plain text in sections: it is read in pipes as well, and costs no import of rich.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from dockerflow.cli import streams
from dockerflow.cli.errors import INTERRUPTED, CommandLineError, nearest
from dockerflow.flow.metaflow_names import way_out

# What the parser says of values, and what we do.
_WORDS = (
    (r"Input should be greater than or equal to (\d+)", r"it must be \1 or more"),
    (r"Input should be a valid integer.*", "it must be a whole number"),
    (r"Got unexpected extra argument(?:s|\(s\))? \((.*)\)", r"unexpected argument `\1`"),
)

# What to do without commands that Metaflow has.
_WITHOUT = {
    **dict.fromkeys(("airflow", "argo-workflows", "step-functions"), way_out("Deployer")),
    **dict.fromkeys(("batch", "kubernetes"), "`run` the flow: such steps go to the host `remote`, or run here"),
    "card": "the page is what `get_cards` of `dockerflow.cards` gives for a task",
}

# typer names this class in no public module: it is click's own, and newer versions of typer bring click with them.
USAGE_ERROR: type[Any] = typer.BadParameter.__bases__[0]


class Sectioned(TyperCommand):
    """A command whose options stand under the titles given as `rich_help_panel`, also without rich.

    An option whose metavar has two words takes two values, which typer has no annotation for: `--config NAME PATH`.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for each in self.params:
            if each.param_type_name == "option" and each.multiple and each.metavar:
                each.nargs = len(each.metavar.split())

    def get_params(self, ctx: Any) -> Any:
        return _lazy(super().get_params(ctx))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                default = "Arguments" if parameter.param_type_name == "argument" else "Options"
                title = getattr(parameter, "rich_help_panel", None) or default
                sections.setdefault(title, []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)


class _Coercion:
    """What newer versions of typer make of a value, without pydantic where there is nothing to make: most options are
    not given, or texts, and importing pydantic takes longer than all the rest of reading a command line.
    """

    def __init__(self, of_typer: Callable[[], Any]) -> None:
        self._of_typer = of_typer

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        wanted = param.type_descriptor.annotation
        if (wanted is str and type(value) is str) or type(value) is bool or isinstance(value, Enum):
            return value
        return self._of_typer().coerce(value, param=param, ctx=ctx)


def _lazy(parameters: list[Any]) -> list[Any]:
    for each in parameters:
        made = getattr(each, "get_runtime_param", None)
        if made is not None and not isinstance(made, partial):
            each.get_runtime_param = partial(_Coercion, made)
    return parameters


class Commands(TyperGroup):
    """A group of commands that says what was probably meant, and ends quietly when nobody reads its output."""

    def get_params(self, ctx: Any) -> Any:
        return _lazy(super().get_params(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        found = super().get_command(ctx, cmd_name)
        if found is None and not ctx.resilient_parsing and not cmd_name.startswith("-"):
            raise unknown_command(cmd_name, self.commands, ctx.command_path)
        return found

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            return streams.PIPE_CLOSED


def invoke(app: typer.Typer, words: list[str], name: str) -> int:
    """Carry out a command line. Raises CommandLineError, and whatever the command raises."""
    return carry_out(get_command(app), words, name)


def carry_out(command: Any, words: list[str], name: str, known: Any = None) -> int:
    """The same for what typer has made of an app; `known` is the context's `obj`."""
    try:
        code = command.main(args=words, prog_name=name, standalone_mode=False, obj=known)
    except USAGE_ERROR as error:
        path = error.ctx.command_path if error.ctx is not None else _path(command, words, name)
        raise _translated(error, path) from error
    except typer.Abort:
        return INTERRUPTED
    return code if isinstance(code, int) else 0


def unknown_command(word: str, commands: Iterable[str], path: str) -> CommandLineError:
    """What to say about a word that is no command; a flow file there is the most common mistake."""
    if word.endswith(".py") or Path(word).is_file():
        return CommandLineError(f"`{word}` is a file, not a command", f"run it with `{path} run {word}`")
    near = nearest(word, commands)
    hint = f"did you mean `{path} {near}`?" if near else f"`{path} --help` lists the commands"
    return CommandLineError(f"there is no command `{path} {word}`", _WITHOUT.get(word, hint))


def unknown_option(word: str, options: Iterable[str], path: str) -> CommandLineError:
    near = nearest(word, options)
    hint = f"did you mean `{near}`?" if near else f"`{path} --help` lists the options"
    return CommandLineError(f"`{path}` has no option `{word}`", hint)


def _translated(error: Any, path: str) -> CommandLineError:
    option = getattr(error, "option_name", None)
    if option is not None and hasattr(error, "possibilities"):
        return unknown_option(option, _options(error.ctx), path)
    said = error.format_message()
    for theirs, ours in _WORDS:
        said = re.sub(theirs, ours, said)
    return CommandLineError(_sentence(said), f"`{path} --help` shows how it is used")


def _path(command: Any, words: list[str], name: str) -> str:
    """The words of the command line that are commands: some errors of the parser do not say whose they are."""
    inner = getattr(command, "commands", {}).get(words[0]) if words else None
    return name if inner is None else _path(inner, words[1:], f"{name} {words[0]}")


def _options(context: Any) -> list[str]:
    return [] if context is None else [word for each in context.command.get_params(context) for word in each.opts]


def _sentence(text: str) -> str:
    """The parser's words as ours: no capital, no full stop, names in backticks."""
    text = text.strip().rstrip(".").replace("'", "`").replace("Value error, ", "")
    return text[:1].lower() + text[1:]
