"""Why a spec has no solution, in terms of what the user wrote.

First each requirement is looked at alone: a name that no channel has, a version that there is not. If all of them can
be had, the smallest set of requirements that exclude each other is found by leaving one out after the other, and the
solver's report about just those is made readable.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from rattler import PackageRecord
from rattler.exceptions import SolverError

from dockerflow.environments import solver_report, virtual_packages
from dockerflow.environments.channels import Channels
from dockerflow.environments.errors import Unsatisfiable, of_steps
from dockerflow.environments.requirements import Requirement

# Of a package's versions, or of names like the one asked for.
MOST_VERSIONS = 8
MOST_NAMES = 3


async def of(channels: Channels, wanted: Sequence[Requirement]) -> Unsatisfiable:
    """The error for requirements that have no solution."""
    problems = [problem for one in wanted if (problem := await _alone(channels, one)) is not None]
    if problems:
        told = [message for message, _ in problems]
        message = f"{of_steps(channels.steps)} asks for what is not there: " + "; ".join(told)
        return Unsatisfiable(message, problems[0][1])
    return await _together(channels, wanted)


async def _alone(channels: Channels, one: Requirement) -> tuple[str, str] | None:
    """What is wrong with this requirement by itself, and what to try."""
    there = await channels.records(one.name)
    if not there:
        return await _unknown_name(channels, one)
    if not any(one.match_spec.matches(record) for record in there):
        return _no_such_version(channels, one, there)
    return None


async def _unknown_name(channels: Channels, one: Requirement) -> tuple[str, str]:
    if others := await channels.platforms_with(one.name):
        has = " and ".join(others)
        return (
            f"no package `{one.name}` {_where(channels)}: it is there for {has} alone",
            f"run on {has}, or name a channel in `channels` that has it for {channels.spec.platform}",
        )
    names = set(await channels.names())
    near = difflib.get_close_matches(one.name, names, MOST_NAMES)
    meant = f"did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else None
    elsewhere = "a package on another channel is asked for with `channels`, see `dockerflow doctor` for those in use"
    return f"no package `{one.name}` {_where(channels)}", meant or elsewhere


def _no_such_version(channels: Channels, one: Requirement, records: Iterable[PackageRecord]) -> tuple[str, str]:
    found = versions(records)
    series = f"{one.asked}."
    if one.name == "python":
        hint = "ask for one of these, for a series like `3.11`, or leave `python` out"
    elif any(version.startswith(series) for version in found):
        hint = f"a bare version is exact: for any {one.asked} write `{one.asked}.*`"
    else:
        hint = "ask for one of these versions, for a range like `>=1.5,<2`, or for any with an empty one"
    return f"no `{one}` {_where(channels)}, which has {_listed(found)}", hint


async def _together(channels: Channels, wanted: Sequence[Requirement]) -> Unsatisfiable:
    core, report = await _smallest_conflict(channels, wanted)
    instead = {spec: await _instead(channels, core, spec) for spec in sorted(solver_report.missing(report))}
    lines = solver_report.readable(report, instead.__getitem__)
    named = [f"`{one}`" for one in core]
    whose = of_steps(channels.steps)
    if len(core) == 1:
        what = f"{whose} asks for {named[0]}, which cannot be installed on {channels.spec.platform}"
    else:
        what = f"{whose} asks for what excludes each other: {', '.join(named[:-1])} and {named[-1]}"
    return Unsatisfiable("\n".join([f"{what}\n", *(f"  {line}" for line in lines)]), _hint(core))


def _hint(core: Sequence[Requirement]) -> str:
    if len(core) == 1:
        return f"ask for another version of `{core[0].name}`, or leave it out"
    exact = [f"`{one.name}`" for one in core if one.asked]
    return f"change the version of {' or '.join(exact)}" if exact else "give these libraries to steps of their own"


async def _smallest_conflict(channels: Channels, wanted: Sequence[Requirement]) -> tuple[tuple[Requirement, ...], str]:
    """Requirements of which none can be left out without the rest having a solution, and the solver's report."""
    core = tuple(wanted)
    for one in wanted:
        without = tuple(other for other in core if other is not one)
        if without and await _report(channels, without) is not None:
            core = without
    return core, await _report(channels, core) or ""


async def _report(channels: Channels, wanted: Sequence[Requirement]) -> str | None:
    try:
        await channels.solve(wanted)
    except SolverError as error:
        return str(error)
    return None


async def _instead(channels: Channels, core: Sequence[Requirement], spec: str) -> str:
    """What stands against a spec for which the solver had nothing left."""
    name = spec.split(" ")[0]
    if name.startswith("__"):
        return _virtual(channels.spec.platform, name)
    asked = next((one for one in core if one.name == name), None)
    if asked is not None and str(asked) != spec:
        return f"but {asked} is asked for"
    found = versions(await channels.records(name))
    if not found:
        return f"which no channel has ({_listed(channels.spec.channels)})"
    return f"but there is only {_listed(found)}"


def _virtual(platform: str, name: str) -> str:
    version = virtual_packages.of_platform(platform).get(name)
    if version is None:
        return f"but a step image has no {name.removeprefix('__')}"
    return f"but a step image has {name.removeprefix('__')} {version[0]}"


def versions(records: Iterable[PackageRecord]) -> list[str]:
    """The distinct versions of a package, newest first."""
    newest_first = sorted({record.version for record in records}, reverse=True)
    return list(dict.fromkeys(str(version) for version in newest_first))


def _listed(words: Sequence[str]) -> str:
    shown = ", ".join(words[:MOST_VERSIONS])
    return f"{shown} and {len(words) - MOST_VERSIONS} more" if len(words) > MOST_VERSIONS else shown


def _where(channels: Channels) -> str:
    names = " or ".join(f"`{name}`" for name in channels.spec.channels)
    return f"on {names} for {channels.spec.platform}"
