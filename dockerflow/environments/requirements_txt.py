"""Read a `requirements.txt`, and the lines of `pip:` in an `environment.yml`.

    https://pip.pypa.io/en/stable/reference/requirements-file-format/

Lines mean what they mean to pip. What pip would do here and cannot be done is refused with its line: building from
source, pages of links. Options that only say what is done anyway (wheels, hashes) are passed over.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import field
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from dockerflow import credentials
from dockerflow.environments import indexes, pep508, user_file
from dockerflow.environments.asked import Asked, Word
from dockerflow.environments.errors import InvalidSpec
from dockerflow.environments.pep508 import NotARequirement
from dockerflow.environments.python_versions import NotASpecifier, of_specifier
from dockerflow.flow.errors import place
from dockerflow.lazy_dataclasses import dataclass

Line = tuple[str, int]

_COMMENT = re.compile(r"(^|\s+)#.*$")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_OPTION = re.compile(r"(?P<name>--?[A-Za-z][A-Za-z-]*)(?:\s*=\s*|\s+|$)(?P<value>.*)", re.DOTALL)
_SHORT = re.compile(r"-(?P<name>[rcife])\s*(?P<value>[^-\s].*)", re.DOTALL)
_OF_LINE = re.compile(r"\s--(?P<name>hash|config-settings?|global-option|install-option)\b")

_HASH = re.compile(r"\s--hash[\s=]+(\w+):(\w*)")
_SHA256 = re.compile(r"[0-9a-f]{64}")

_NAMES = {
    "-r": "--requirement",
    "-c": "--constraint",
    "-i": "--index-url",
    "--pypi-url": "--index-url",
    "-f": "--find-links",
    "-e": "--editable",
}
_DONE_ANYWAY = ("--prefer-binary", "--only-binary", "--require-hashes", "--use-feature")
_ARCHIVES = (".whl", ".gz", ".bz2", ".xz", ".zip", ".tgz", ".egg")
_BUILDS = ("would have to be built from source, and only wheels are installed", pep508.WHEELS)
_REFUSED = {
    "--no-index": ("is not known here", "name the folder of wheels alone, with `--index-url file:///folder`"),
    "--editable": _BUILDS,
    "--no-binary": _BUILDS,
    "--pre": ("has no counterpart", "ask for the pre-release in the version, like `>=2.0rc1`"),
    "--trusted-host": ("is left to uv's own settings", "set UV_INSECURE_HOST"),
}


@dataclass
class _Found:
    """What was collected from a file and the files that it names."""

    requirements: list[Word] = field(default_factory=list)
    constraints: list[Word] = field(default_factory=list)
    pythons: list[Word] = field(default_factory=list)
    index: str | None = None
    extra_indexes: list[str] = field(default_factory=list)
    hashes: list[tuple[str, str]] = field(default_factory=list)

    def asked(self) -> Asked:
        named = None
        if self.index is not None or self.extra_indexes:
            named = (*self.extra_indexes, *([] if self.index is None else [self.index]))
            named = named if self.index is not None else (*named, indexes.DEFAULT)
        return Asked(
            pythons=tuple(self.pythons),
            pypi=tuple(self.requirements),
            constraints=tuple(self.constraints),
            indexes=named,
            hashes=tuple(self.hashes),
        )


def read(path: Path, named_at: str) -> Asked:
    """What the file and the files that it names ask for. Raises InvalidSpec, with file and line."""
    found = _Found()
    _Reader(path, found).file(named_at)
    return found.asked()


def of_lines(lines: Iterable[Line], path: Path) -> Asked:
    """The same for lines that stand in another file."""
    found = _Found()
    _Reader(path, found).lines(lines)
    return found.asked()


@dataclass(frozen=True)
class _Reader:
    """Reads one file. `within` are the files that led here, `only_constraints`: it was named by `-c`."""

    path: Path
    found: _Found
    within: tuple[Path, ...] = ()
    only_constraints: bool = False

    def file(self, named_at: str) -> None:
        if self.path in self.within:
            raise InvalidSpec(f"{named_at} includes `{self.path}`, which includes it in turn", "leave the line out")
        self.lines(_joined(user_file.read(self.path, named_at)))

    def lines(self, lines: Iterable[Line]) -> None:
        for line, number in lines:
            text = _COMMENT.sub("", line).strip()
            if text:
                self._line(text, place(str(self.path), number))

    def _line(self, written: str, at: str) -> None:
        """`written` is for messages: variables, which may hold what is secret, have only names in it."""
        text = _with_variables(written, at)
        if not text.startswith("-"):
            self._requirement(text, credentials.hidden(written), at)
            return
        option = _SHORT.fullmatch(text) or _OPTION.fullmatch(text)
        name = "" if option is None else option["name"] if option["name"].startswith("-") else f"-{option['name']}"
        try:
            self._option(_NAMES.get(name, name), "" if option is None else option["value"].strip(), written, at)
        except (OSError, ValueError) as error:
            shown = credentials.hidden(written)
            raise InvalidSpec(f"{at}: `{shown}` names what no file can be called: {error}", "check the name") from error

    def _option(self, name: str, value: str, written: str, at: str) -> None:
        if name in ("--requirement", "--constraint"):
            self._include(name, value, at)
        elif name == "--index-url":
            self.found.index = indexes.checked(value, written, at)
        elif name == "--extra-index-url":
            self.found.extra_indexes.append(indexes.checked(value, written, at))
        elif name == "--find-links":
            self.found.extra_indexes.append(self._links(value, at))
        elif name in _REFUSED:
            problem, hint = _REFUSED[name]
            raise InvalidSpec(f"{at}: `{credentials.hidden(written)}` {problem}", hint)
        elif name not in _DONE_ANYWAY:
            raise InvalidSpec(f"{at}: `{credentials.hidden(written)}` is no option that is known", "leave it out")

    def _include(self, name: str, value: str, at: str) -> None:
        if "://" in value:
            shown = credentials.hidden(value)
            raise InvalidSpec(f"{at} names `{shown}`, which is not on this machine", "download it, and name the file")
        path = (self.path.parent / value).resolve()
        only_constraints = self.only_constraints or name == "--constraint"
        _Reader(path, self.found, (*self.within, self.path), only_constraints).file(at)

    def _python(self, specifier: str, written: str, at: str) -> None:
        try:
            self.found.pythons.append(Word(of_specifier(specifier), at))
        except NotASpecifier as error:
            raise InvalidSpec(f"{at}: `{written}` is no Python that there could be", "write `python>=3.10`") from error

    def _links(self, value: str, at: str) -> str:
        """A folder of wheels, which is asked like an index."""
        folder = Path(url2pathname(urlsplit(value).path)) if value.startswith("file:") else self.path.parent / value
        if "://" in value and not value.startswith("file:"):
            raise InvalidSpec(
                f"{at}: `--find-links {credentials.hidden(value)}` is a page of links, which is not read here",
                "name an index with `--extra-index-url`, or a wheel as `name @ https://host/name-1.0-….whl`",
            )
        if not folder.is_dir():
            raise InvalidSpec(f"{at}: there is no folder `{folder}`", "name a folder with wheels in it")
        return folder.resolve().as_uri()

    def _requirement(self, text: str, written: str, at: str) -> None:
        option = _OF_LINE.search(text)
        if option is not None and option["name"] != "hash":
            raise InvalidSpec(
                f"{at}: `--{option['name']}` is for builds, and only wheels are installed", "leave it out"
            )
        try:
            requirement = pep508.parse(text[: option.start()] if option else text, self.path.parent)
        except NotARequirement as error:
            problem, hint = _BUILDS if _is_folder(text, self.path.parent) else (str(error), error.hint)
            raise InvalidSpec(f"{at}: `{written}` {problem}", hint) from error
        if pep508.name_of(requirement) == "python" and pep508.is_bare(requirement):
            self._python(requirement.removeprefix("python"), written, at)
            return
        self.found.hashes += [(pep508.name_of(requirement), hash_) for hash_ in _hashes(text, at)]
        (self.found.constraints if self.only_constraints else self.found.requirements).append(Word(requirement, at))


def _hashes(text: str, at: str) -> list[str]:
    """The sha256 that stand on a line. Others may stand beside them, but not alone: nobody would look at them."""
    written = _HASH.findall(text)
    found = [digits for kind, digits in written if kind == "sha256" and _SHA256.fullmatch(digits)]
    if written and not found:
        raise InvalidSpec(f"{at}: there is no sha256 in its `--hash`", "write `--hash=sha256:` and 64 hex digits")
    return found


def _is_folder(text: str, folder: Path) -> bool:
    """Whether a line is the path of a project, as in `./here` or `.`. It is one, too, if it is not there (yet)."""
    try:
        path = folder / text.partition("[")[0]
        named = text.startswith(("./", "../", "/", "~/")) and not path.name.endswith(_ARCHIVES)
        return named or (text.startswith((".", "/")) and path.is_dir())
    except OSError:  # a name that no folder can have
        return False


def _with_variables(text: str, at: str) -> str:
    """The text with `${NAME}` replaced from the environment, which is the only spelling that pip knows."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in os.environ:
            raise InvalidSpec(f"{at}: the variable `{found[1]}` is not set", f"set {found[1]}, or write its value")
        return os.environ[found[1]]

    return _VARIABLE.sub(value, text)


def _joined(text: str) -> Iterator[Line]:
    """Lines with the ones that they are continued by, each under the number of its first."""
    parts: list[str] = []
    first = 0
    for number, line in enumerate(text.splitlines(), 1):
        first = first if parts else number
        comment = re.match(r"\s*#", line) is not None
        if line.endswith("\\") and not comment:
            parts.append(line[:-1])
        else:
            # A comment ends what is continued and is no part of it.
            yield "".join([*parts, "" if comment and parts else line]), first
            parts = []
    if parts:
        yield "".join(parts), first
