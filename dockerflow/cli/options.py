"""The options of `dockerflow run`: its own, and the parameters of the flow that is run.

What a flow takes is known only after its file has been read. So the command line is read twice: first with our own
options, where the flow file is found and everything else is left over; then, with the flow at hand, the rest. Values
stay texts here: `dockerflow.flow.parameters` knows the types.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Optional

import typer

from dockerflow.cli import metaflow_options
from dockerflow.cli.commands import Sectioned, invoke
from dockerflow.cli.errors import CommandLineError
from dockerflow.flow.definition import Flow, ParameterDefinition
from dockerflow.flow.errors import place

HELP = "--help"
LONGEST_DEFAULT = 40  # characters of a default that are shown

METAVARS = {"str": "TEXT", "int": "INTEGER", "float": "NUMBER", "bool": "true|false", "json": "JSON", "file": "PATH"}


def flow_file(left_over: Sequence[str], path: str) -> tuple[str, list[str]]:
    """The flow file among the words that are no options of ours, and the words without it."""
    left_over, ignored = metaflow_options.before_file(left_over)
    words = [word for word in left_over if word != HELP]
    if not words:
        raise CommandLineError("the flow file is missing", f"write `{path} flow.py`")
    if words[0].startswith("-"):
        hint = f"options that belong to the flow stand after its file: `{path} flow.py {words[0]} …`"
        raise CommandLineError(f"`{path}` has no option `{words[0]}`, and no flow file stands before it", hint)
    rest = [*left_over, *(word for option in ignored for word in option.words)]
    rest.remove(words[0])
    return words[0], rest


def parameters(flow: Flow, words: Sequence[str], command: Callable[..., Any], path: str) -> Mapping[str, str] | None:
    """The texts given for the flow's parameters, by name; None if help was asked for and has been printed.

    `command` is the function behind the command, for the options that are not the flow's: they stand in the help text
    and in suggestions.
    """
    given: dict[str, str] = {}
    _refuse_taken_names(flow, command)
    words, ignored = metaflow_options.without_ignored(words, [f"--{each.name}" for each in flow.parameters])
    metaflow_options.tell(ignored)
    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    app.command(cls=Sectioned, help=flow.doc or f"Run the flow `{flow.name}`.")(_receiver(flow, command, given))
    asked = HELP in words
    invoke(app, [HELP] if asked else _as_declared(flow, words), path)
    return None if asked else given


def _receiver(flow: Flow, command: Callable[..., Any], given: dict[str, str]) -> Callable[..., None]:
    """A function with one argument per parameter of the flow and per option of the command, as typer reads it."""

    def receive(**values: Any) -> None:
        for number, parameter in enumerate(flow.parameters):
            text = values[f"parameter_{number}"]
            if text is not None:
                given[parameter.name] = text

    every = inspect.signature(command, eval_str=True).parameters.values()
    own = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in every if _is_option(each)]
    arguments = [_argument(number, each, flow.name) for number, each in enumerate(flow.parameters)]
    receive.__signature__ = inspect.Signature([*arguments, *own])  # type: ignore[attr-defined]
    receive.__annotations__ = {each.name: each.annotation for each in [*arguments, *own]}
    return receive


def _argument(number: int, parameter: ParameterDefinition, flow: str) -> inspect.Parameter:
    option = typer.Option(
        f"--{parameter.name}",
        help=_help(parameter),
        metavar=METAVARS.get(parameter.kind, "TEXT"),
        show_default=False,
        rich_help_panel=f"Parameters of {flow}",
    )
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(f"parameter_{number}", kind, default=None, annotation=Annotated[Optional[str], option])


def _help(parameter: ParameterDefinition) -> str:
    note = "required" if parameter.required else shown_default(parameter)
    return "  ".join(part for part in (parameter.help, f"[{note}]" if note else "") if part)


def shown_default(parameter: ParameterDefinition) -> str:
    """`default: 3`; nothing where there is none."""
    if parameter.default is None:
        return ""
    if callable(parameter.default):
        return "default: computed when the run begins"
    text = str(parameter.default)
    if parameter.kind == "file":
        text = place(text)
    elif len(text) > LONGEST_DEFAULT:
        text = f"{text[: LONGEST_DEFAULT - 1]}…"
    return f"default: {text}"


def _is_option(parameter: inspect.Parameter) -> bool:
    marks = getattr(parameter.annotation, "__metadata__", ())
    return any(type(mark).__name__ == "OptionInfo" for mark in marks)


def _as_declared(flow: Flow, words: Sequence[str]) -> list[str]:
    """Words with a parameter's name written as the flow has it: `--movie-data` stands for `--movie_data` as well."""
    names = {_normal(each.name): each.name for each in flow.parameters}
    declared = []
    for word in words:
        name, equals, value = word.partition("=")
        known = names.get(_normal(name[2:])) if name.startswith("--") else None
        declared.append(f"--{known}{equals}{value}" if known else word)
    return declared


def _normal(name: str) -> str:
    return name.lower().replace("-", "_")


def _refuse_taken_names(flow: Flow, command: Callable[..., Any]) -> None:
    taken = {_normal(name) for name in (*inspect.signature(command).parameters, "help")}
    for parameter in flow.parameters:
        if _normal(parameter.name) in taken:
            raise CommandLineError(
                f"parameter `{parameter.name}` of flow `{flow.name}` has the name of an option of `dockerflow run`",
                f"give it another name: `Parameter({parameter.name + '_value'!r}, …)`",
            )
