"""Whether a lock gives what a spec asks for, and which of its packages were asked for by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from packaging.markers import Marker
from packaging.requirements import Requirement as PypiRequirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from rattler import BuildString, PackageRecord
from rattler.exceptions import InvalidVersionError

from dockerflow.environments import allowed_hashes, pypi_names, requirements, virtual_packages
from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.environments.requirements import Requirement
from dockerflow.environments.spec import EnvironmentSpec


def satisfies(lock: Lock, spec: EnvironmentSpec) -> list[str]:
    """Why the lock does not give what the spec asks for; empty if it does."""
    if lock.platform != spec.platform:
        return [f"it is for `{lock.platform}`, and `{spec.platform}` is asked for"]
    conda = {package.name: package for package in lock.packages if package.manager == "conda"}
    reasons = [
        *(_lacking(conda, requirement, lock.platform) for requirement in requirements.of(spec)),
        *(_lacking_from_index(lock, requirement) for requirement in _of_index(spec.pypi, lock)),
        *(_limited(lock, requirement) for requirement in _of_index(spec.constraints, lock)),
        *(allowed_hashes.refusal(package) for package in lock.packages if not allowed_hashes.allowed(spec, package)),
    ]
    return [reason for reason in reasons if reason is not None]


def fits(lock: Lock, spec: EnvironmentSpec) -> list[str]:
    """As `satisfies`, and the lock has nothing that was asked for when it was made and is not any more."""
    wanted = set(requested(spec, lock.packages))
    unasked = [f"`{name}` is in it, and is not asked for any more" for name in lock.requested if name not in wanted]
    return [*satisfies(lock, spec), *unasked]


def gaps(lock: Lock) -> list[str]:
    """What packages of the lock need and it does not have: a file that somebody has edited."""
    conda = {package.name for package in lock.packages if package.manager == "conda"}
    every = conda | {package.name for package in lock.packages}
    return [
        f"`{package.name} {package.version}` needs `{name}`, which is not in it"
        for package in lock.packages
        for name, _ in package.dependencies
        if name not in (conda if package.manager == "conda" else every) and not name.startswith("__")
    ]


def requested(spec: EnvironmentSpec, packages: Iterable[LockedPackage]) -> tuple[str, ...]:
    """Names of packages in the lock that the spec asks for itself, sorted; those of an index as conda calls them where
    conda brings them.
    """
    there = tuple(packages)
    brought = pypi_names.brought(package for package in there if package.manager == "conda")
    names = {requirement.name for requirement in requirements.of(spec)} - {"python"}
    wheels = {package.name for package in there if package.manager == "pip"}
    for name in (str(canonicalize_name(PypiRequirement(each).name)) for each in spec.pypi):
        if name in wheels:
            names.add(name)
        elif name in brought:
            names.add(brought[name].name)
    return tuple(sorted(names))


def roots(packages: Iterable[LockedPackage]) -> tuple[str, ...]:
    """The packages that no other one needs, Python aside: what was asked for, as far as packages tell."""
    there = tuple(packages)
    needed = {name for package in there for name, _ in package.dependencies}
    needed |= {str(canonicalize_name(name)) for name in needed}
    return tuple(sorted({package.name for package in there if package.name not in needed} - {"python"}))


def _lacking(conda: Mapping[str, LockedPackage], requirement: Requirement, platform: str) -> str | None:
    package = conda.get(requirement.name)
    if package is None:
        return f"`{requirement.name}` is not in it"
    try:
        record = PackageRecord(package.name, package.version, BuildString(package.build), 0, platform)
    except (InvalidVersionError, ValueError):  # of a file that somebody has edited
        return f"it has `{package.name} {package.version} {package.build}`, which no conda package can be"
    if not requirement.match_spec.matches(record):
        return f"it has `{package.name} {package.version}`, and `{requirement}` is asked for"
    return None


def _lacking_from_index(lock: Lock, requirement: PypiRequirement) -> str | None:
    package = _distribution(lock, requirement)
    if package is None:
        return f"`{requirement.name}` is not in it"
    if requirement.extras:  # what they add is known to the index alone
        return f"`{requirement}` is asked for, and nothing says that `{package.name}` is in it with these extras"
    return _differs(package, requirement)


def _limited(lock: Lock, requirement: PypiRequirement) -> str | None:
    package = _distribution(lock, requirement)
    return None if package is None else _differs(package, requirement)


def _differs(package: LockedPackage, requirement: PypiRequirement) -> str | None:
    if requirement.url is not None:
        same = urlsplit(requirement.url).path == urlsplit(package.url).path
    else:
        same = _contains(requirement, package.version)
    return None if same else f"it has `{package.name} {package.version}`, and `{requirement}` is asked for"


def _contains(requirement: PypiRequirement, version: str) -> bool:
    try:
        return requirement.specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:  # of a conda package: uv has compared it already
        return True


def _distribution(lock: Lock, requirement: PypiRequirement) -> LockedPackage | None:
    name = str(canonicalize_name(requirement.name))
    for package in lock.packages:
        if package.manager == "pip" and canonicalize_name(package.name) == name:
            return package
    return pypi_names.brought(package for package in lock.packages if package.manager == "conda").get(name)


def _of_index(words: Iterable[str], lock: Lock) -> Iterator[PypiRequirement]:
    """The requirements that hold for the lock's platform and Python."""
    for requirement in map(PypiRequirement, words):
        if requirement.marker is None or _holds(requirement.marker, lock):
            yield requirement


def _holds(marker: Marker, lock: Lock) -> bool:
    python = next((package.version for package in lock.packages if package.name == "python"), "3")
    machine = virtual_packages.of_platform(lock.platform)["__archspec"][1]
    image = {
        "implementation_name": "cpython",
        "implementation_version": python,
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": python,
        "python_version": ".".join(python.split(".")[:2]),
        "sys_platform": "linux",
        "extra": "",
    }
    return marker.evaluate(image)
