"""Where a step asks for the same package in conda's world and in an index's: one of them gives it, and both must agree.

What is asked of an index limits conda's package of that name, too, so that a solution is found wherever there is one.
"""

from __future__ import annotations

from collections.abc import Sequence

from packaging.requirements import Requirement
from packaging.specifiers import Specifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from rattler import MatchSpec
from rattler.exceptions import InvalidMatchSpecError

from dockerflow.environments import pypi_names, requirements
from dockerflow.environments.errors import InvalidSpec, of_steps
from dockerflow.environments.spec import EnvironmentSpec


def refuse_contradictions(spec: EnvironmentSpec, steps: Sequence[str] = ()) -> None:
    """Raise InvalidSpec for a package whose one version in `@conda` is not among those in `@pypi`."""
    asked = [Requirement(each) for each in spec.pypi]
    for library in requirements.of(spec)[:-1]:
        version = _exact(library.asked)
        names = pypi_names.distributions(library.name)
        for one in asked:
            if version is None or canonicalize_name(one.name) not in names:
                continue
            if not one.specifier.contains(version, prereleases=True):
                raise InvalidSpec(
                    f"{of_steps(steps)} asks for `{library}` in `@conda` and for `{one}` in `@pypi`",
                    f"keep one of the two: an environment has `{library.name}` once",
                )


def limits(spec: EnvironmentSpec) -> list[MatchSpec]:
    """What the requirements of an index mean for conda's packages of the same names, as far as conda can say it."""
    wanted = {requirement.name: requirement for requirement in requirements.of(spec)}
    found = []
    for one in map(Requirement, (*spec.pypi, *spec.constraints)):
        if one.marker is not None or not one.specifier:
            continue
        for name in pypi_names.conda_names(canonicalize_name(one.name), wanted):
            if (limit := _limit(name, one.specifier)) is not None:
                found.append(limit)
    return found


def _limit(name: str, specifiers: SpecifierSet) -> MatchSpec | None:
    try:
        return MatchSpec(f"{name} {','.join(sorted(map(_in_conda, specifiers)))}", strict=True)
    except InvalidMatchSpecError:
        return None


def _in_conda(specifier: Specifier) -> str:
    if specifier.operator == "===":
        return f"=={specifier.version}"
    if specifier.operator == "==" and specifier.version.endswith(".*"):
        return specifier.version
    return f"{specifier.operator}{specifier.version}"


def _exact(asked: str) -> Version | None:
    try:
        return Version(asked.removeprefix("=="))
    except InvalidVersion:
        return None
