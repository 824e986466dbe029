"""Resolve what a step wants from package indexes, on top of what conda gives it.

conda's packages are solved first and stay: a Python distribution among them is not taken from an index again, and what
an index has must fit it. uv is told so by stand-ins, wheels with those names and versions and nothing in them, so that
it checks every version as if they were its own; they are left out of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from dockerflow import credentials
from dockerflow.environments import allowed_hashes, checksums, pypi_names, pypi_refusals, pypi_uv, pypi_wheels
from dockerflow.environments.errors import InvalidSpec, PackageIndexError, Unsatisfiable, of_steps
from dockerflow.environments.lock import LockedPackage
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.lazy_dataclasses import dataclass

_VERSION_CONTROL = ("git+", "hg+", "svn+", "bzr+")


@dataclass(frozen=True)
class Place:
    """What the wheels are for, and on whose behalf."""

    spec: EnvironmentSpec
    steps: Sequence[str]
    conda: Sequence[LockedPackage]
    timeout: int

    @property
    def python(self) -> str:
        return next(package.version for package in self.conda if package.name == "python")


def resolve(place: Place, keep: Iterable[LockedPackage] = ()) -> tuple[LockedPackage, ...]:
    """The wheels that `place.spec` needs beside conda's packages; those in `keep` keep their version if they may.

    Raises Unsatisfiable, PackageIndexError or InvalidSpec.
    """
    if not place.spec.pypi:
        return ()
    _refuse_version_control(place)
    brought = pypi_names.brought(place.conda)
    question = pypi_uv.Question(
        requirements=place.spec.pypi,
        constraints=place.spec.constraints,
        indexes=place.spec.indexes,
        python=place.python,
        platform=place.spec.platform,
        there={name: _pypi_version(package.version) for name, package in brought.items()},
        preferred={package.name: package.version for package in keep if package.manager == "pip"},
        timeout=place.timeout,
    )
    answer = _asked(question, place, brought)
    _refuse_missing_extras(answer, place, brought)
    found = tuple(_locked(package, answer.needs, place, brought) for package in answer.packages)
    _refuse_other_archives(found, place)
    return found


def _asked(question: pypi_uv.Question, place: Place, brought: Mapping[str, LockedPackage]) -> pypi_uv.Answer:
    def newest(name: str) -> str | None:
        alone = replace(question, requirements=(name,), constraints=(), there={}, preferred={})
        try:
            answer = pypi_uv.ask(alone)
        except pypi_uv.Refused:
            return None
        return next((each.get("version") for each in answer.packages if each["name"] == name), None)

    try:
        return pypi_uv.ask(question)
    except pypi_uv.Refused as refused:
        case = pypi_refusals.Case(place.steps, place.python, place.spec.platform, brought, newest, place.spec.indexes)
        raise pypi_refusals.explained(refused.said, case) from refused


def _refuse_version_control(place: Place) -> None:
    for each in place.spec.pypi:
        url = Requirement(each).url
        if url is not None and url.startswith(_VERSION_CONTROL):
            raise InvalidSpec(
                f"{of_steps(place.steps)} asks for `{credentials.hidden(each)}` from version control, which would have"
                " to be built",
                f"build the wheel yourself (`pip wheel '{credentials.hidden(url)}'`) and name its folder in `indexes`",
            )


def _refuse_missing_extras(answer: pypi_uv.Answer, place: Place, brought: Mapping[str, LockedPackage]) -> None:
    """What an extra of conda's package would add is known to nobody: better said than missing. One that another
    package asks for is passed over, as pip does: the user could not mend it.
    """
    asked = {
        (canonicalize_name(one.name), canonicalize_name(extra))
        for one in map(Requirement, place.spec.pypi)
        for extra in one.extras
    }
    for name, extra in answer.missing_extras:
        if name in brought:
            package = brought[name]
            raise Unsatisfiable(
                f"{of_steps(place.steps)} needs `{name}[{extra}]` from a package index, but conda brings"
                f" `{package.name} {package.version}`, and conda's packages have no extras",
                f"ask for what the extra `{extra}` adds by its own name, and for `{name}` without it; or take"
                f" `{name}` from the index alone",
            )
        if (name, extra) in asked:
            raise Unsatisfiable(
                f"{of_steps(place.steps)} asks for `{name}[{extra}]`, and `{name}` has no extra `{extra}`",
                f"look at its spelling, or ask for `{name}` alone",
            )


def _refuse_other_archives(found: Iterable[LockedPackage], place: Place) -> None:
    for package in found:
        if not allowed_hashes.allowed(place.spec, package):
            raise PackageIndexError(
                f"{of_steps(place.steps)} cannot have what the index gives: {allowed_hashes.refusal(package)}",
                "somebody has changed the package, or the file has no hash for this platform's wheel: find out which,"
                " and write the file's hashes anew",
            )


def _locked(
    package: Mapping[str, Any],
    needs: Mapping[str, tuple[str, ...]],
    place: Place,
    brought: Mapping[str, LockedPackage],
) -> LockedPackage:
    archive = _archive(package, place)
    url = _url(archive)
    told = archive.get("hashes", {}).get("sha256")
    found = None if told else checksums.read(url)
    names = {brought[name].name if name in brought else name for name in needs.get(package["name"], ())}
    return LockedPackage(
        manager="pip",
        name=package["name"],
        version=package.get("version") or _version_of(url),
        build="",
        url=url,
        sha256=told or (found.sha256 if found else ""),
        md5=None,
        size=archive.get("size") or (found.size if found else None),
        dependencies=tuple((name, "") for name in sorted(names)),
    )


def _archive(package: Mapping[str, Any], place: Place) -> Mapping[str, Any]:
    """The wheel to take, as pylock.toml has it."""
    if "archive" in package:
        archive: Mapping[str, Any] = package["archive"]
        return archive
    wheels = {_file_name(wheel): wheel for wheel in package.get("wheels", ())}
    best = pypi_wheels.best(list(wheels), place.python, place.spec.platform)
    if best is None:
        name, version = package["name"], package.get("version", "")
        raise Unsatisfiable(
            f"{of_steps(place.steps)} asks for what there is no wheel of: `{name} {version}` for Python {place.python}"
            f" on {place.spec.platform}",
            f"ask for another version of `{name}`, or take it from conda with `@conda`",
        )
    chosen: Mapping[str, Any] = wheels[best]
    return chosen


def _file_name(wheel: Mapping[str, Any]) -> str:
    return str(wheel.get("name") or unquote(urlsplit(wheel.get("url") or wheel["path"]).path).rsplit("/", 1)[-1])


def _url(archive: Mapping[str, Any]) -> str:
    """Where the archive is, without credentials and without a fragment."""
    if "url" not in archive:
        return Path(archive["path"]).as_uri()
    return credentials.without(archive["url"].partition("#")[0])


def _version_of(url: str) -> str:
    """A wheel that was asked for by its URL says its version in its name alone."""
    parts = urlsplit(url).path.rsplit("/", 1)[-1].split("-")
    if len(parts) < 5:  # name, version, Python, ABI, platform
        raise PackageIndexError(f"`{url}` is not a wheel", "name the URL of a wheel, or the package by its name")
    return unquote(parts[1])


def _pypi_version(version: str) -> str:
    """conda's version as PEP 440 has it; of one that it has no room for, the numbers that it begins with."""
    for written in (version, version.replace("_", "-"), version.replace("_", ".")):
        try:
            return str(Version(written))
        except InvalidVersion:
            continue
    numbers = re.match(r"\d+(\.\d+)*", version)
    return numbers[0] if numbers else "0"
