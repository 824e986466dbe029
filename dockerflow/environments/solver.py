"""Turn a spec into a lock.

The solver is py-rattler's, in this process. What it is given is a pure function of the spec: the platform's virtual
packages are those of the step image and not of this machine. Where there is no solution, `explanation` finds out why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rattler import RepoDataRecord
from rattler.exceptions import SolverError

from dockerflow.environments import checksums, event_loop, explanation, requirements, virtual_packages
from dockerflow.environments.channels import TIMEOUT, Channels
from dockerflow.environments.errors import InvalidSpec, of_steps
from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.environments.requirements import Requirement
from dockerflow.environments.spec import EnvironmentSpec


def solve(spec: EnvironmentSpec, steps: Sequence[str] = (), timeout: int = TIMEOUT) -> Lock:
    """The lock of the newest packages that satisfy `spec`; `steps` are those that errors name.

    May be called from several threads at once. Raises Unsatisfiable, ChannelError or InvalidSpec.
    """
    if spec.platform not in virtual_packages.PLATFORMS:
        raise InvalidSpec(
            f"{of_steps(steps)} cannot run on the platform `{spec.platform}`",
            f"step images are made for {' and '.join(f'`{name}`' for name in virtual_packages.PLATFORMS)}",
        )
    wanted = requirements.of(spec)
    with Channels.opened(spec, steps, timeout) as channels:
        records = event_loop.run(_solve(channels, wanted))
    return Lock(
        platform=spec.platform,
        packages=tuple(_locked(record) for record in records),
        requested=tuple(sorted(requirement.name for requirement in wanted if requirement.name != "python")),
        channels=spec.channels,
        spec_hash=spec.spec_hash,
    )


async def _solve(channels: Channels, wanted: Sequence[Requirement]) -> list[RepoDataRecord]:
    try:
        return await channels.solve(wanted)
    except SolverError as error:
        raise await explanation.of(channels, wanted) from error


def _locked(record: RepoDataRecord) -> LockedPackage:
    hashes = checksums.of_record(record)
    return LockedPackage(
        manager="conda",
        name=record.name.normalized,
        version=str(record.version),
        build=str(record.build),
        url=record.url,
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
