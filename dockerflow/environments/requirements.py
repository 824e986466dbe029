"""Version words as users write them, as conda match specs.

A bare version is exact (`1.5.3` is `==1.5.3`, as Metaflow has it), a bare Python of one or two numbers means that
series (`3.11` is `3.11.*`), and everything else is conda's own language, taken strictly: what conda would silently
read as a build string (`>=1.5 <2`) or as a version that nothing has (`latest`) is refused.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.lazy_dataclasses import dataclass

if TYPE_CHECKING:
    from rattler import MatchSpec

_NAME = re.compile(r"(?:(?P<channel>\S+)::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*)")
_BARE = re.compile(r"(?P<version>\d[\w.!+-]*)(?:(?:=|\s+)(?P<build>[\w*.]+))?")
_BETWEEN = re.compile(r"([|,()])")
_SERIES = re.compile(r"\d+(\.\d+)?")

# What is a match spec for certain: rattler, which could tell, takes long to import, and every run goes through here.
_PLAIN = re.compile(r"[a-z][a-z0-9_-]*( ==\d{1,9}(\.\d{1,9})*| \d{1,9}(\.\d{1,9})*\.\*)?", re.ASCII)


class NotASpec(ValueError):
    """Why a name or a version is none."""


@dataclass(frozen=True)
class Requirement:
    """One package that an environment must have. `asked` is the user's own version word."""

    name: str  # as conda has it: lower case, without a channel
    asked: str
    text: str  # in conda's language

    @cached_property
    def match_spec(self) -> MatchSpec:
        from rattler import MatchSpec  # noqa: PLC0415

        return MatchSpec(self.text, strict=True)

    def __str__(self) -> str:
        return f"{self.name} {self.asked}".strip()


def parse(package: str, version: str) -> Requirement:
    """The requirement of a package name (`numpy`, `conda-forge::numpy`) and a version word. Raises NotASpec."""
    named = _NAME.fullmatch(package)
    if named is None:
        raise NotASpec(f"`{package}` is not a package name")
    version = version.strip()
    text = f"{package} {_explicit(named['name'].lower(), version)}".strip()
    requirement = Requirement(named["name"].lower(), version, text)
    if not _PLAIN.fullmatch(text):
        _check(requirement)
    return requirement


def _check(requirement: Requirement) -> None:
    from rattler.exceptions import InvalidMatchSpecError  # noqa: PLC0415

    try:
        requirement.match_spec  # noqa: B018
    except InvalidMatchSpecError as error:
        raise NotASpec(str(error).splitlines()[0]) from error


def channel_of(package: str) -> str | None:
    """The channel in `channel::name`."""
    named = _NAME.fullmatch(package)
    return named["channel"] if named else None


def of(spec: EnvironmentSpec) -> tuple[Requirement, ...]:
    """What an environment must have: its libraries in their order, then Python."""
    libraries = tuple(parse(name, version) for name, version in spec.libraries)
    return (*libraries, parse("python", spec.python))


def _explicit(name: str, version: str) -> str:
    if name == "python" and _SERIES.fullmatch(version):
        return f"{version}.*"
    if bare := _BARE.fullmatch(version):
        return f"=={bare['version']} {bare['build'] or ''}".strip()
    parts = _BETWEEN.split(version)
    return "".join(f"=={part}" if _BARE.fullmatch(part) else part for part in parts)
