"""Requirements of Python packages, in the one spelling that specs and locks have.

    https://packaging.python.org/en/latest/specifications/dependency-specifiers/

Names are normalised, extras and versions sorted, so that equal requirements are equal text. A requirement may name a
wheel by its URL; repositories and source archives would have to be built, which nothing here does.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from dockerflow import credentials

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\s*(?:\[[^\]]*\])?")
_REPOSITORY = re.compile(r"(git|hg|svn|bzr)(\+|@|:)")
_ONE_SIGN = re.compile(r"[\w.\[\],-]+\s*=\s*\d")
_ARCHIVE = re.compile(r"\.(tar(\.\w+)?|tgz|zip|egg)$")

VERSIONS = "write a version like `1.5.3`, `==1.5.*` or `>=1.5,<2`, or an empty one for any"
WHEELS = "build a wheel with `pip wheel`, and name it as `name @ file:path/to/the.whl` or put it on an index"


class NotARequirement(ValueError):
    """Why a text is none, as what is said of it ("is not …"), and the way out. What was written is not repeated: it may
    hold what is secret.
    """

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.hint = hint


def of_words(name: str, version: str, folder: Path) -> str:
    """The requirement of a package name and a version word, as `@pypi(packages=…)` has them.

    A bare version is exact, ``""`` is any, a URL names a wheel. `folder` is where relative files lie.
    """
    name, _, url = (part.strip() for part in name.partition("@"))
    if version.startswith(("@", "file:")) or "://" in version:
        url = version.removeprefix("@").strip()
    if not _NAME.fullmatch(name):
        raise NotARequirement("is not the name of a Python package", "write a name like `pandas`")
    if url:
        return parse(f"{name} @ {url}", folder)
    if not version:
        return parse(name, folder)
    try:
        specifier = _specifier(version)
    except ValueError:  # InvalidVersion, InvalidSpecifier, or a number of thousands of digits
        raise NotARequirement("is in no version that Python packages can have", VERSIONS) from None
    return parse(name + specifier, folder)


def parse(text: str, folder: Path) -> str:
    """The requirement in one line, in its canonical spelling. Raises NotARequirement."""
    text = _with_name(text.strip())
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        if _REPOSITORY.match(text) or _ARCHIVE.search(text):
            raise _not_a_wheel(text) from error
        reason = str(error).splitlines()[0].rstrip()
        raise NotARequirement(
            "is not the requirement of a Python package" + ("" if "://" in reason else f": {reason}"),
            "for one version write `==`" if _ONE_SIGN.match(text) else "write it like `pandas>=2,<3`",
        ) from error
    requirement.name = canonicalize_name(requirement.name)
    requirement.extras = {canonicalize_name(extra) for extra in requirement.extras}
    if requirement.url is not None:
        requirement.url = _wheel(requirement.url, folder)
    try:
        return str(requirement)
    except ValueError:  # a number of thousands of digits
        raise NotARequirement("is in no version that Python packages can have", VERSIONS) from None


def parsed(requirement: str) -> Requirement:
    """A requirement that was made here, in its parts."""
    return Requirement(requirement)


def name_of(requirement: str) -> str:
    return parsed(requirement).name


def is_bare(requirement: str) -> bool:
    """Whether it is a name with versions alone."""
    parts = parsed(requirement)
    return parts.url is None and not parts.extras and parts.marker is None


def _specifier(version: str) -> str:
    if version[0] in "<>=!~":
        return str(SpecifierSet(version))
    if version.endswith(".*"):
        return str(SpecifierSet(f"=={version}"))
    return f"=={Version(version)}"


def _with_name(text: str) -> str:
    """A line that is the path or the URL of a wheel alone, with the name that the wheel has."""
    bare, _, marker = text.partition(" ;")
    file = unquote(_split(bare.partition("#")[0]).path).rpartition("/")[2]
    if "@ " in bare or not file.endswith(".whl") or " " in bare.strip():
        return text
    try:
        name = parse_wheel_filename(file)[0]
    except InvalidWheelFilename as error:
        raise NotARequirement(f"is not called as wheels are: {error}", "do not rename wheels") from error
    url = bare if "://" in bare or bare.startswith("file:") else f"file:{bare}"
    return f"{name} @ {url} ;{marker}" if marker else f"{name} @ {url}"


def _wheel(url: str, folder: Path) -> str:
    """The URL of a wheel; a file's is absolute."""
    parts = _split(url)
    if _REPOSITORY.match(url) or not parts.path.endswith(".whl"):
        raise _not_a_wheel(url)
    if credentials.in_url(url):
        raise NotARequirement(
            "has what may be credentials in its URL, which would be written into locks", credentials.HINT
        )
    if parts.scheme in ("http", "https"):
        return url
    if parts.scheme != "file":
        raise NotARequirement("does not name a wheel by its URL", "write it like `name @ https://host/name-1.0-….whl`")
    path = folder / unquote(parts.path)
    if not _is_file(path):
        raise NotARequirement(f"names the file `{path}`, which is not there", "name the wheel as it is called")
    path = path.resolve()
    return path.as_uri() + (f"#{parts.fragment}" if parts.fragment else "")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise NotARequirement(f"has no URL that can be read: {error}", "write it like `https://host/x.whl`") from error


def _not_a_wheel(text: str) -> NotARequirement:
    what = "a repository" if _REPOSITORY.match(text) else "not a wheel"
    return NotARequirement(f"is {what}, and would have to be built before it can be installed", WHEELS)
