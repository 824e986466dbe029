"""What uv says when it finds no answer, in terms of what the user wrote and what can be done about it.

The one place that reads uv's messages. Its resolver explains conflicts in whole sentences: they are kept, freed of
what is about uv itself. Where a sentence is not known, uv's own words are shown: never nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from dockerflow import credentials
from dockerflow.environments.errors import EnvironmentsError, PackageIndexError, Unsatisfiable, of_steps
from dockerflow.environments.indexes import DEFAULT
from dockerflow.environments.lock import LockedPackage
from dockerflow.flow.conda_names import PACKAGES, pypi_package_of
from dockerflow.lazy_dataclasses import dataclass

_URL = re.compile(r"https?://[^\s`'\")]+")
_DENIED = re.compile(r"An index(?: URL)? \((?P<url>[^)]+)\).*?(?P<status>401 Unauthorized|403 Forbidden)", re.DOTALL)
_FETCH = re.compile(
    r"(?:Failed to fetch|Failed to download|error sending request for url)[^h]*(?P<url>https?://[^\s`'\")]+)"
)
_NO_FOLDER = re.compile(r"Failed to read `--find-links` \w+: (?P<what>.+)")
_UNKNOWN = re.compile(r"(?P<name>[a-z0-9-]+)(?:\[[^\]]*\])? was not found in the (?:package registry|provided package)")
_NO_VERSION = re.compile(r"there (?:is|are) no versions? of (?P<what>[a-z0-9-]+(?:\[[^\]]*\])?[^\s,]*)")
_NO_WHEELS = re.compile(
    r"(?:all versions of )?(?P<name>[a-z0-9-]+)(?:\[[^\]]*\])?(?P<version>[=<>!][^\s,]*)? ha(?:s|ve) no usable wheels"
)
_OTHER_WHEELS = re.compile(r"ha(?:s|ve) no wheels with a matching (?P<kind>Python|platform|ABI)")
_TAGS = r"(?P<tags>(?:`[^`]+`(?:, )?)+)"
_THERE_FOR = re.compile(
    rf"only found wheels for `(?P<name>[^`]+)` \(v?(?P<version>[^)]+)\) with the following [\w ]+ tags?: {_TAGS}"
)
_THERE_ON = re.compile(
    rf"Wheels are available for `(?P<name>[^`]+)` \(v?(?P<version>[^)]+)\) on the following platforms?: {_TAGS}"
)
_METADATA = re.compile(
    r"Metadata for `(?P<name>[^`]+)` \(v?(?P<version>[^)]+)\) could not be parsed:\s*(?P<why>.+)", re.DOTALL
)
_REQUIRED = re.compile(r"you require (?P<names>[^{}]+?), we can conclude")
_ONLY = re.compile(r"only (?P<name>[a-z0-9-]+)(?:\[[^\]]*\])?[<>=!][^\s]* is available")
_NOT_AMONG = re.compile(
    r"only the following versions of (?P<name>[a-z0-9-]+)(?:\[[^\]]*\])? are available:(?:\s+[a-z0-9-]+[<>=!][^\s]*)+"
)
_STATUS = re.compile(r"HTTP status (?:client|server) error \((?P<status>[^)]+)\)")
_SENTENCES = re.compile(r",? and because |(?<=\.) And because |\bBecause ")

_MOST_LINES = 24

INDEXES = "`indexes` in the configuration name other package indexes"
CREDENTIALS = "put its credentials into `~/.netrc`: `machine HOST login NAME password SECRET`"


@dataclass(frozen=True)
class Case:
    """Whose question it was. `brought`: the conda package of each distribution that had to stay as it is. `newest` says
    of a name the newest version that the image could use, if there is one.
    """

    steps: Sequence[str]
    python: str
    platform: str
    brought: Mapping[str, LockedPackage]
    newest: Callable[[str], str | None]
    indexes: Sequence[str] = ()

    @property
    def whose(self) -> str:
        return of_steps(self.steps)

    @property
    def index_has_not(self) -> str:
        named = [f"`{credentials.hidden(index)}`" for index in self.indexes if index != DEFAULT]
        if len(named) == len(self.indexes) == 1:
            return f"the package index {named[0]} does not have"
        others = ["the one that uv knows"] if len(named) < len(self.indexes) else []
        listed = " and ".join([*named, *others])
        return f"none of the package indexes {listed} has" if listed else "the package index does not have"


def explained(said: str, case: Case) -> EnvironmentsError:
    """The error for what uv printed."""
    text = credentials.hidden(said)
    for explain in (_denied, _unreachable, _unknown, _old_metadata, _wheels, _no_version, _conflict):
        if (error := explain(text, case)) is not None:
            return error
    return Unsatisfiable(f"{case.whose}: uv found no packages:\n\n{_indented(_causes(text))}")


def _denied(text: str, case: Case) -> EnvironmentsError | None:
    found = _DENIED.search(text)
    if found is None:
        return None
    status = found["status"]
    return PackageIndexError(
        f"the package index `{found['url']}` does not let `{_host(found['url'])}` be read: {status} ({case.whose})",
        CREDENTIALS.replace("HOST", _host(found["url"])),
    )


def _unreachable(text: str, case: Case) -> EnvironmentsError | None:
    if folder := _NO_FOLDER.search(text):
        return PackageIndexError(f"the folder of wheels `{folder['what']}` cannot be read ({case.whose})", INDEXES)
    found = _FETCH.search(text)
    if found is None:
        return None
    causes = _causes(text)
    if denied := re.search(r"\((401 Unauthorized|403 Forbidden)\)", text):
        host = _host(found["url"])
        return PackageIndexError(
            f"`{found['url']}` cannot be read: {denied[1]} ({case.whose})", CREDENTIALS.replace("HOST", host)
        )
    if answer := _STATUS.search(text):
        return _answers_badly(found["url"], answer["status"], case)
    reason = re.sub(r" for url .*", "", causes[-1])
    return PackageIndexError(
        f"the package index `{_site(found['url'])}` does not answer: {reason} ({case.whose})", INDEXES
    )


def _answers_badly(url: str, status: str, case: Case) -> PackageIndexError:
    if urlsplit(url).path.endswith(".whl"):
        what = "there is no wheel at" if status.startswith("404") else "the wheel cannot be had from"
        return PackageIndexError(f"{what} `{url}`: {status} ({case.whose})", "name the URL of a wheel that is there")
    return PackageIndexError(f"the package index `{_site(url)}` answers {status} ({case.whose})", INDEXES)


def _unknown(text: str, case: Case) -> EnvironmentsError | None:
    names = list(dict.fromkeys(found["name"] for found in _UNKNOWN.finditer(_joined(text))))
    if not names:
        return None
    wanted = " and ".join(f"`{name}`" for name in names)
    near = [meant for name in names if (meant := _meant(name))]
    hint = f"did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else f"look at its spelling; {INDEXES}"
    if case.indexes and not near:
        hint = f"look at its spelling, and whether the URL is that of an index; {INDEXES}"
    through = "" if f"you require {names[0]}" in _joined(text) else f":\n\n{_indented(_sentences(text, case))}"
    return Unsatisfiable(f"{case.whose} asks for {wanted}, which {case.index_has_not}{through}", hint)


def _meant(name: str) -> str | None:
    """The package of a module that has another name."""
    meant = {module.lower(): pypi_package_of(module) for module in PACKAGES}.get(name, name)
    return None if meant == name else meant


def _old_metadata(text: str, case: Case) -> EnvironmentsError | None:
    found = _METADATA.search(text)
    if found is None:
        return None
    name, version = found["name"], found["version"]
    return Unsatisfiable(
        f"{case.whose} asks for `{name} {version}`, whose metadata is not what an index takes today: "
        f"{' '.join(found['why'].split(chr(10))[0].split())}",
        f"ask for a newer version, or take `{name}` from conda with `@conda`",
    )


def _wheels(text: str, case: Case) -> EnvironmentsError | None:
    """No wheel at all, or none that this image could use."""
    joined = _joined(text)
    there = [*_THERE_FOR.finditer(joined), *_THERE_ON.finditer(joined)]
    none = _NO_WHEELS.search(joined)
    if none is not None:
        name, version = none["name"], (none["version"] or "").lstrip("=")
    elif there and _OTHER_WHEELS.search(joined):
        name, version = there[0]["name"], there[0]["version"]
    else:
        return None
    what = f"`{name} {version}`" if f"{name}=={version}" in joined else f"`{name}`"
    lines = [f"`{each['name']} {each['version']}` has wheels for {each['tags'].replace('`', '')}" for each in there]
    told = f"{case.whose} needs {what}, which has no wheel for Python {case.python} on {case.platform}"
    if none is not None:
        told += "; step images are made of wheels, for building from source would run the package's own code here"
    shown = [*lines, *([] if f"you require {name}" in joined else _sentences(text, case))]
    return Unsatisfiable(f"{told}:\n\n{_indented(shown)}" if shown else told, _ways_out(name, version, case))


def _ways_out(name: str, version: str, case: Case) -> str:
    newest = case.newest(name)
    other = f"ask for `{name} {newest}`, which has one" if newest and newest != version else None
    built = f"{name}=={version}" if re.fullmatch(r"[\w.!+-]+", version) else name
    meant = _meant(name)
    ways = [
        *([f"ask for `{meant}`, which has the module `{name}`"] if meant else []),
        *([other] if other else []),
        f"take `{name}` from conda with `@conda`",
        f"build the wheel yourself (`pip wheel {built}`) and name its folder in `indexes`",
    ]
    return ", or ".join(ways)


def _no_version(text: str, case: Case) -> EnvironmentsError | None:
    joined = _joined(text)
    found = _NO_VERSION.search(joined)
    if found is None or f"you require {found['what']}" not in joined:
        return None
    what = found["what"].replace("==", " ", 1)
    name = re.split(r"[\[<>=!~ ]", what)[0]
    newest = case.newest(name)
    told = f"; the newest that it could use is {newest}" if newest else ""
    return Unsatisfiable(
        f"{case.whose} asks for `{what}`, and the package index has no such version{told}",
        "ask for a version that there is, for a range like `>=1.5,<2`, or for any with an empty one",
    )


def _conflict(text: str, case: Case) -> EnvironmentsError | None:
    if "No solution found" not in text:
        return None
    from_conda = [name for name in _kept(_joined(text)) if name in case.brought]
    message = f"{case.whose} asks for Python packages that exclude each other:\n\n{_indented(_sentences(text, case))}"
    if not from_conda:
        return Unsatisfiable(message, "change one of these versions, or give these packages to steps of their own")
    package = case.brought[from_conda[0]]
    from_index = [f"`{name}`" for name in _required(_joined(text)) if name not in case.brought]
    others = "other versions in `@pypi`, or take all of these packages from one of the two"
    if len(from_index) == 1:
        others = f"another version of {from_index[0]} in `@pypi`, or take {from_index[0]} from conda, too"
    return Unsatisfiable(
        message,
        f"`{package.name} {package.version}` is conda's and stays: ask for another version of it in `@conda`, for "
        f"{others}",
    )


def _required(joined: str) -> list[str]:
    """The names of what the step itself asks for."""
    listed = (each for found in _REQUIRED.finditer(joined) for each in re.split(r", (?:and )?| and ", found["names"]))
    return list(dict.fromkeys(re.split(r"[\[<>=!~]", each)[0] for each in listed))


def _kept(joined: str) -> list[str]:
    return list(dict.fromkeys(found["name"] for form in (_ONLY, _NOT_AMONG) for found in form.finditer(joined)))


def _sentences(text: str, case: Case) -> list[str]:
    """The resolver's explanation, one reason a line, in the user's terms."""
    joined = re.sub(r"\{[^}]*\}", "", _joined(text)).partition("hint:")[0]  # markers that hold for the image anyway
    joined = re.sub(r",? we can conclude that your requirements are unsatisfiable\.?", ".", joined)
    for form in (_ONLY, _NOT_AMONG):  # of a stand-in uv says which versions beside it there are not
        joined = form.sub(lambda found: _from_conda(found, case), joined)
    joined = joined.replace("your requirements", "the rest")
    joined = joined.replace(", we can conclude that ", ": so ").replace("you require ", "the step asks for ")
    parts = (part.strip(" .,") for part in _SENTENCES.split(joined))
    lines = [part for part in parts if part and not part.startswith("No solution found")]
    if len(lines) > _MOST_LINES:
        return [*lines[:_MOST_LINES], f"… and {len(lines) - _MOST_LINES} more lines like these"]
    return lines


def _from_conda(found: re.Match[str], case: Case) -> str:
    package = case.brought.get(found["name"])
    return f"conda brings {package.name} {package.version}" if package else found[0]


def _causes(text: str) -> list[str]:
    """uv's lines without its ornaments; warnings are left out."""
    return list(_lines(text)) or ["uv said nothing"]


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        bare = re.sub(r"^[\s×╰─▶├│]*(error:|cause:|Caused by:)?\s*", "", line).strip()  # noqa: RUF001 - as uv has it
        if bare and not bare.startswith("warning:") and not line.startswith(("Resolved ", "warning:")):
            yield bare


def _joined(text: str) -> str:
    return " ".join(_causes(text))


def _indented(lines: Sequence[str]) -> str:
    return "\n".join(f"  {line}" for line in lines)


def _host(url: str) -> str:
    return urlsplit(url).hostname or url


def _site(url: str) -> str:
    """The index of a package's page: without the package's name at the end."""
    return re.sub(r"/(simple)/.*", r"/\1", url)
