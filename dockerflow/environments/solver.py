"""Turn a spec into a lock: conda's part first, then what package indexes have to add to it.

conda's solver is py-rattler's, in this process. What it is given is a pure function of the spec: the platform's virtual
packages are those of the step image and not of this machine. Where there is no solution, `explanation` finds out why.
Packages of an index are resolved by uv, see `pypi`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile

from rattler import RepoDataRecord
from rattler.exceptions import SolverError

from dockerflow import credentials
from dockerflow.environments import (
    checksums,
    event_loop,
    explanation,
    fit,
    pypi,
    pypi_in_conda,
    requirements,
    virtual_packages,
)
from dockerflow.environments.channels import TIMEOUT, Channels
from dockerflow.environments.errors import InvalidSpec, of_steps
from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.environments.requirements import Requirement
from dockerflow.environments.spec import EnvironmentSpec


def solve(
    spec: EnvironmentSpec, steps: Sequence[str] = (), timeout: int = TIMEOUT, keep: Sequence[LockedPackage] = ()
) -> Lock:
    """The lock of the newest packages that satisfy `spec`; `steps` are those that errors name.

    The packages in `keep` stay as they are where the spec lets them: an earlier lock changes as little as it must.
    May be called from several threads at once. Raises Unsatisfiable, ChannelError, PackageIndexError or InvalidSpec.
    """
    if spec.platform not in virtual_packages.PLATFORMS:
        raise InvalidSpec(
            f"{of_steps(steps)} cannot run on the platform `{spec.platform}`",
            f"step images are made for {' and '.join(f'`{name}`' for name in virtual_packages.PLATFORMS)}",
        )
    spec = spec.with_python
    pypi_in_conda.refuse_contradictions(spec, steps)
    wanted = requirements.of(spec)
    with Channels.opened(spec, steps, timeout) as channels:
        records = event_loop.run(_solve(channels, wanted, keep))
    conda = [_locked(record) for record in records]
    packages = (*conda, *pypi.resolve(pypi.Place(spec, steps, conda, timeout), keep))
    return Lock(
        platform=spec.platform,
        packages=packages,
        requested=fit.requested(spec, packages),
        channels=spec.channels,
        spec_hash=spec.spec_hash,
    )


async def _solve(
    channels: Channels, wanted: Sequence[Requirement], keep: Sequence[LockedPackage]
) -> list[RepoDataRecord]:
    """What indexes are asked for also limits conda's packages of the same names, where there is such a solution: if
    there is none, the two exclude each other, and uv says how.
    """
    kept = [record for package in keep if (record := await _still_there(channels, package)) is not None]
    limits = pypi_in_conda.limits(channels.spec)
    if limits:
        try:
            return await channels.solve(wanted, kept, limits)
        except SolverError:
            pass
    try:
        return await channels.solve(wanted, kept)
    except SolverError as error:
        raise await explanation.of(channels, wanted) from error


async def _still_there(channels: Channels, package: LockedPackage) -> RepoDataRecord | None:
    """The channel's own record of a locked package: it knows more about it than the lock. Where that build is gone, or
    the lock is for another platform, the build of its version that is named most like it (`py311_0`, `py311h1f2_1`).
    """
    if package.manager != "conda":
        return None
    records = await channels.records(package.name)
    builds = [record for record in records if str(record.version) == package.version]
    same = next((record for record in builds if _is(record, package)), None)
    return same or max(builds, key=lambda record: (_likeness(record, package), record.build_number), default=None)


def _likeness(record: RepoDataRecord, package: LockedPackage) -> int:
    """How many characters of the build string are the same from its beginning."""
    return len([*takewhile(lambda pair: pair[0] == pair[1], zip(str(record.build), package.build))])


def _is(record: RepoDataRecord, package: LockedPackage) -> bool:
    if record.sha256 is not None:
        return record.sha256.hex() == package.sha256
    return credentials.without(record.url) == package.url


def _locked(record: RepoDataRecord) -> LockedPackage:
    hashes = checksums.of_record(record)
    return LockedPackage(
        manager="conda",
        name=record.name.normalized,
        version=str(record.version),
        build=str(record.build),
        url=credentials.without(record.url),  # a channel may give its packages' URLs with what it was asked with
        sha256=hashes.sha256,
        md5=hashes.md5,
        size=record.size,
        dependencies=_dependencies(record.depends),
    )


def _dependencies(depends: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Pairs of name and version spec. A package may name a dependency more than once: every part counts."""
    found: dict[str, list[str]] = {}
    for dependency in depends:
        name, _, version = dependency.partition(" ")
        found.setdefault(name, []).append(version.strip())
    return tuple(sorted((name, ",".join(part for part in parts if part)) for name, parts in found.items()))
