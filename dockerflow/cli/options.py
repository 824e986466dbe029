"""The options of `dockerflow run` and `resume`: their own, and the parameters of the flow that is run.

What a flow takes is known only after its file has been read. So the command line is read twice: first with our own
options, where the flow file is found and everything else is left over; then, with the flow at hand, the rest. Values
stay texts here: `dockerflow.flow.parameters` knows the types.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Annotated, Any, Optional

import typer

from dockerflow.cli import metaflow_options
from dockerflow.cli.commands import Sectioned, invoke
from dockerflow.cli.errors import CommandLineError
from dockerflow.cli.flow_first import normal, written_in
from dockerflow.flow.definition import Flow, ParameterDefinition
from dockerflow.flow.errors import place
from dockerflow.lazy_dataclasses import dataclass

HELP = "--help"
STEP = "step"  # the argument of `resume`, by its name there
# Names that no parameter may have in Metaflow either.
RESERVED = {"with", "tag", "namespace", "run_id_file", "max_num_splits", "max_workers", "max_log_size", "help"}
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
    _refuse_taken_names(flow, command)
    receiver = _Receiver(flow, command)
    texts = receiver.read(words, path, flow.doc or f"Run the flow `{flow.name}`.", _epilog(flow))
    return None if texts is None else {**_of_environment(flow), **texts}


@dataclass(frozen=True)
class OfResume:
    """The step that is named, and the texts given for the flow's parameters, by name."""

    step: str | None
    texts: Mapping[str, str]


def of_resume(flow: Flow, words: Sequence[str], command: Callable[..., Any], path: str) -> OfResume | None:
    """What is written behind the flow's file; None if help was asked for and has been printed. The environment says
    nothing here: what it said of the earlier run is kept with the rest.
    """
    receiver = _Receiver(flow, command, resumes=True)
    texts = receiver.read(
        words, path, f"Go on with a run of the flow `{flow.name}`.", _KEPT if flow.parameters else None
    )
    return None if texts is None else OfResume(receiver.step, texts)


_KEPT = (
    "A parameter that is not given has the value that it has in the run that is resumed. One that is given may have "
    "another, unless a task has read it whose result is reused."
)


# Metaflow's own variables are looked at, too; ours come first.
VARIABLES = ("DOCKERFLOW_RUN_", "METAFLOW_RUN_")


def _of_environment(flow: Flow) -> dict[str, str]:
    """What the environment says of the flow's parameters; an empty text is a value."""
    found: dict[str, str] = {}
    for each in flow.parameters:
        texts = (os.environ.get(prefix + _variable(each.name)) for prefix in VARIABLES)
        text = next((text for text in texts if text is not None), None)
        if text is not None:
            found[each.name] = text
    return found


def _variable(name: str) -> str:
    return name.replace("-", "_").upper()


def _epilog(flow: Flow) -> str | None:
    parts = []
    if flow.parameters:
        example = VARIABLES[0] + _variable(flow.parameters[0].name)
        parts.append(f"A parameter can be given by a variable of the environment as well: `{example}`.")
    if flow.configs:
        listed = ", ".join(f"`{each.name}`{f' ({each.help})' if each.help else ''}" for each in flow.configs)
        parts.append(f"The configs of the flow, for `--config` and `--config-value`: {listed}.")
    return " ".join(parts) or None


def offered(command: Callable[..., Any], names: Collection[str]) -> Callable[..., Any]:
    """The command with these of its arguments alone: `python flow.py run` knows its flow and has no `--flow`."""

    def called(**values: Any) -> Any:
        return command(**values)

    whole = inspect.signature(command, eval_str=True)
    kept = [each for name, each in whole.parameters.items() if name in names]
    called.__signature__ = whole.replace(parameters=kept)  # type: ignore[attr-defined]
    return called


class _Receiver:
    """Reads what is written for the parameters of a flow, and the step, behind the flow's file; `command` is the
    function behind the command.
    """

    def __init__(self, flow: Flow, command: Callable[..., Any], resumes: bool = False) -> None:
        self._flow, self._command, self._resumes = flow, command, resumes
        self._texts: dict[str, str] = {}
        self.step: str | None = None

    def read(self, words: Sequence[str], path: str, text: str, epilog: str | None) -> dict[str, str] | None:
        """The texts by the parameters' names; None if help was asked for and has been printed."""
        flow = self._flow
        words, ignored = metaflow_options.without_ignored(words, [f"--{each.name}" for each in flow.parameters])
        metaflow_options.tell(ignored)
        app = typer.Typer(rich_markup_mode=None, add_completion=False)
        app.command(cls=Sectioned, help=text, epilog=epilog)(self._function())
        asked = HELP in words
        invoke(app, [HELP] if asked else _as_declared(flow, words), path)
        return None if asked else self._texts

    def _function(self) -> Callable[..., None]:
        """With one argument per parameter of the flow and per option of the command, as typer reads it."""

        def receive(**values: Any) -> None:
            self.step = values.get(STEP)
            for number, parameter in enumerate(self._flow.parameters):
                text = values[f"parameter_{number}"]
                if text is not None:
                    self._texts[parameter.name] = text

        every = inspect.signature(self._command, eval_str=True).parameters.values()
        taken = {normal(each.name) for each in self._flow.parameters}
        own = [
            each.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for each in every
            if each.name == STEP or (_is_option(each) and not _names(each) & taken)
        ]
        arguments = [
            _argument(number, each, self._flow.name, _help(each, self._resumes))
            for number, each in enumerate(self._flow.parameters)
        ]
        receive.__signature__ = inspect.Signature([*arguments, *own])  # type: ignore[attr-defined]
        receive.__annotations__ = {each.name: each.annotation for each in [*arguments, *own]}
        return receive


def _argument(number: int, parameter: ParameterDefinition, flow: str, text: str) -> inspect.Parameter:
    option = typer.Option(
        f"--{parameter.name}",
        help=text,
        metavar=METAVARS.get(parameter.kind, "TEXT"),
        show_default=False,
        rich_help_panel=f"Parameters of {flow}",
        hidden=parameter.hidden,
    )
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(f"parameter_{number}", kind, default=None, annotation=Annotated[Optional[str], option])


def _help(parameter: ParameterDefinition, resumes: bool) -> str:
    if resumes:  # the run that is resumed has a value for each
        return parameter.help
    note = "required" if parameter.required else shown_default(parameter)
    return "  ".join(part for part in (parameter.help, f"[{note}]" if note else "") if part)


def shown_default(parameter: ParameterDefinition) -> str:
    """`default: 3`; nothing where there is none."""
    if parameter.default is None or not parameter.shows_default:
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
    return bool(_names(parameter))


def _names(parameter: inspect.Parameter) -> set[str]:
    """The names of an option of ours; of an argument none."""
    marks = getattr(parameter.annotation, "__metadata__", ())
    options = [mark for mark in marks if type(mark).__name__ == "OptionInfo"]
    return {normal(word) for mark in options for word in mark.param_decls or (parameter.name,)}


def _as_declared(flow: Flow, words: Sequence[str]) -> list[str]:
    """Words with a parameter's name written as the flow has it: `--movie-data` stands for `--movie_data` as well."""
    names = {normal(each.name): each.name for each in flow.parameters}
    declared = []
    for word in words:
        name, equals, value = word.partition("=")
        known = names.get(normal(name[2:])) if name.startswith("--") else None
        declared.append(f"--{known}{equals}{value}" if known else word)
    return declared


def _refuse_taken_names(flow: Flow, command: Callable[..., Any]) -> None:
    """A parameter may have the name of an option if its flow's file says so in words: see `flow_first`."""
    every = inspect.signature(command, eval_str=True).parameters.values()
    taken = {"help"}.union(*map(_names, every))
    taken -= {normal(name) for name in written_in(flow.file)} - RESERVED
    for parameter in flow.parameters:
        if normal(parameter.name) in taken:
            raise CommandLineError(
                f"parameter `{parameter.name}` of flow `{flow.name}` has the name of an option of `dockerflow run`",
                f"give it another name: `Parameter({parameter.name + '_value'!r}, …)`",
            )
