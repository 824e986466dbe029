"""`run` and `resume`: behind the flow's file an option is a parameter first, and one of `dockerflow` only then.

A flow of Metaflow's may have a parameter `store`, `engine` or `quiet`, of which Metaflow knows nothing; it shall run
unchanged. What stands before the file is ours. Which parameters a file has is read from its text: it is imported later,
when all that can be wrong with the command line has been said.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dockerflow.cli import metaflow_options
from dockerflow.cli.commands import Sectioned

_MAKERS = ("Parameter", "IncludeFile")
_KEY = "dockerflow.cli.flow_first"


class FlowFirst(Sectioned):
    """The commands `run` and `resume`. `parameters_of` gives the words that it has kept for the flow."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        arities = {word: 0 if each.is_flag else each.nargs for each, word in self._own_options()}
        own = ctx.obj  # see `own_command`
        file, before, after = (own.file, args[: own.before], args[own.before :]) if own else _split(args, arities)
        clashing = {normal(word) for word in arities} & ({normal(name) for name in written_in(file)} if file else set())
        ours, theirs = _parted(after, clashing, arities)
        ctx.meta[_KEY] = theirs
        return super().parse_args(ctx, [*before, *ours])

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Also the parameters that the text of the flow's file has."""
        file = ctx.obj.file if ctx.obj else ctx.params.get("flow_file")
        if not file or not incomplete.startswith("-"):
            return list(super().shell_complete(ctx, incomplete))
        ours = list(super().shell_complete(ctx, "--"))
        theirs = [type(each)(f"--{name}") for each in ours[:1] for name in sorted(written_in(file))]
        return [each for each in (*theirs, *ours) if each.value.startswith(incomplete)]

    def _own_options(self) -> list[tuple[Any, str]]:
        return [(each, word) for each in self.params if each.param_type_name == "option" for word in each.opts]


def parameters_of(context: Any) -> list[str]:
    return list(context.meta.get(_KEY, ()))


def normal(name: str) -> str:
    """A name as `--movie-data` and `--movie_data` have it in common."""
    return name.lstrip("-").lower().replace("-", "_")


def written_in(file: str) -> set[str]:
    """The names of the parameters that a flow file makes itself, as far as its text says."""
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):  # that is said when it is imported
        return set()
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    firsts = [(call.func, _name_given(call)) for call in calls]
    return {name for maker, name in firsts if name and getattr(maker, "id", getattr(maker, "attr", "")) in _MAKERS}


def _name_given(call: ast.Call) -> str:
    named = [keyword.value for keyword in call.keywords if keyword.arg == "name"]
    given = [value for value in (*call.args[:1], *named) if isinstance(value, ast.Constant)]
    return str(given[0].value) if given else ""


def _split(args: Sequence[str], arities: Mapping[str, int]) -> tuple[str | None, list[str], list[str]]:
    """The flow's file, the words before it with the file itself, and those after it."""
    known = {**metaflow_options.IGNORED, **arities}
    at = 0
    while at < len(args):
        name, equals, _ = args[at].partition("=")
        if not name.startswith("-"):
            return args[at], list(args[: at + 1]), list(args[at + 1 :])
        at += 1 if equals else 1 + known.get(name, 0)
    return None, list(args), []


def _parted(words: Sequence[str], clashing: set[str], arities: Mapping[str, int]) -> tuple[list[str], list[str]]:
    """The words that are left for us, and those of parameters whose names are `clashing`."""
    ours: list[str] = []
    theirs: list[str] = []
    rest = list(words)
    while rest:
        name, equals, _ = rest[0].partition("=")
        is_theirs = name.startswith("--") and normal(name) in clashing
        count = 0 if equals else 1 if is_theirs else arities.get(name, 0)
        (theirs if is_theirs else ours).extend(rest[: 1 + count])
        del rest[: 1 + count]
    return ours, theirs
