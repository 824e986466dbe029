"""The options that Metaflow takes before a command, and what becomes of each here.

Some say what an option of ours says, and are that; an option of the command may stand before it as well. Those that
have no meaning in dockerflow, since it has one way for what they choose, are accepted and named once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence

from dockerflow.cli.commands import unknown_option
from dockerflow.cli.errors import CommandLineError
from dockerflow.cli.words import counted
from dockerflow.lazy_dataclasses import dataclass

# Without a meaning here, with the number of values that each takes.
IGNORED = {
    "--metadata": 1,
    "--environment": 1,
    "--datastore": 1,
    "--event-logger": 1,
    "--monitor": 1,
    "--mode": 1,
    "--pylint": 0,
    "--no-pylint": 0,
    "--not-quiet": 0,
    "--warnings": 0,
    "--no-warnings": 0,
}

# Ours under another name.
SAME = {"--datastore-root": "--store"}

_HELP = [
    ("--quiet", "Leave out what is told about images, and the summary at the end."),
    ("--with TEXT", "Add a decorator to all steps; may be given several times."),
    ("--package-suffixes TEXT", "Files with these endings go into the containers, too, as `.csv,.txt`."),
    ("--datastore-root DIR", "The folder of the store, as `--store` of the commands."),
    ("--help", "Show this message and exit."),
]


@dataclass(frozen=True)
class Option:
    """An option with its values, as it was written."""

    name: str
    values: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        return [self.name, *self.values]


def split(words: Sequence[str], known: Mapping[str, int], path: str) -> tuple[list[Option], list[str]]:
    """The options before the command, and the words from the command on.

    `known` are the options of all commands with the number of their values. Raises CommandLineError.
    """
    arities = {**known, **IGNORED, **dict.fromkeys(SAME, 1)}
    found: list[Option] = []
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] != "--help":
        option, rest = _first(rest, arities, path)
        found.append(option)
    return found, rest


def without_ignored(words: Sequence[str], taken: Sequence[str]) -> tuple[list[str], list[Option]]:
    """Words without the options that mean nothing here, unless they are among the names `taken`; and those options."""
    rest, kept, found = list(words), [], []
    while rest:
        name = rest[0].partition("=")[0]
        if name in IGNORED and name not in taken:
            option, rest = _first(rest, IGNORED, "")
            found.append(option)
        else:
            kept.append(rest.pop(0))
    return kept, found


def before_file(words: Sequence[str]) -> tuple[list[str], list[Option]]:
    """The words from the first one on that is no option without a meaning here, and those options."""
    rest = list(words)
    found: list[Option] = []
    while rest and rest[0].partition("=")[0] in IGNORED:
        option, rest = _first(rest, IGNORED, "")
        found.append(option)
    return rest, found


def moved(before: Sequence[Option], accepted: Mapping[str, int]) -> tuple[list[str], list[Option]]:
    """The words of those options that the command has, for after it, and the options that mean nothing to it."""
    given: list[str] = []
    left: list[Option] = []
    for option in before:
        name = SAME.get(option.name, option.name)
        if name in accepted and "://" not in "".join(option.values if option.name in SAME else ()):
            given += [name, *option.values]
        else:
            left.append(option)
    return given, left


def tell(left: Sequence[Option]) -> None:
    """Name the options that are ignored, in one line."""
    names = dict.fromkeys(option.name for option in left if option.name != "--quiet")
    if names:
        listed = ", ".join(f"`{name}`" for name in names)
        print(f"note: {listed} {'has' if len(names) == 1 else 'have'} no meaning here, ignored", file=sys.stderr)


def help_records() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Sections of the help text: their titles, and options with their descriptions."""
    yield "Options before the command", _HELP
    yield "Accepted from Metaflow, without a meaning here", [(", ".join(IGNORED), "")]


def _first(words: Sequence[str], arities: Mapping[str, int], path: str) -> tuple[Option, list[str]]:
    name, equals, value = words[0].partition("=")
    if name not in arities:
        raise unknown_option(name, [*arities, "--help"], path)
    count = arities[name]
    end = 1 + max(0, count - bool(equals))
    values = (*([value] if equals else []), *words[1:end])
    if len(values) != count:
        message = f"`{name}` takes {counted(count, 'value')}, and {len(values)} stand there"
        raise CommandLineError(message, f"`{path} --help` lists the options")
    return Option(name, values), list(words[end:])
