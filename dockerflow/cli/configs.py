"""`--config NAME PATH` and `--config-value NAME JSON`, of every command that reads a flow's file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Optional

import typer

from dockerflow.cli.errors import CommandLineError
from dockerflow.flow.given import Given

Pair = tuple[str, str]


def _pair(words: Any) -> Any:
    return words


ConfigPaths = Annotated[
    Optional[list[Any]],
    typer.Option(
        "--config",
        metavar="NAME PATH",
        parser=_pair,
        help="The file of one of the flow's configs; may be given for each of them.",
    ),
]
ConfigTexts = Annotated[
    Optional[list[Any]],
    typer.Option(
        "--config-value",
        metavar="NAME JSON",
        parser=_pair,
        help="The value of one of the flow's configs; may be given for each of them.",
    ),
]


def given(paths: Sequence[Pair] | None, texts: Sequence[Pair] | None, decorators: Sequence[str] | None = None) -> Given:
    """What the command line adds to a flow's file. Raises CommandLineError."""
    files, values = dict(paths or ()), dict(texts or ())
    both = sorted(files.keys() & values.keys())
    if both:
        raise CommandLineError(f"config `{both[0]}` is given by a file and by a value", "leave one of the two out")
    return Given({**{name: _read(name, path) for name, path in files.items()}, **values}, tuple(decorators or ()))


def _read(name: str, path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        hint = f"a value itself is given with `--config-value {name} JSON`"
        raise CommandLineError(f"the file of config `{name}`, `{path}`, cannot be read: {why}", hint) from error
