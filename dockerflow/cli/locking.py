"""`lock`: the committed locks of a flow, made, renewed, upgraded, or only looked at.

What should be done is decided in `environments.relock`; here is what the command line means and what is said about it.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from packaging.utils import canonicalize_name

from dockerflow.cli.errors import CommandLineError, nearest
from dockerflow.cli.flows import load_flow
from dockerflow.cli.places import config_here, store_if_there
from dockerflow.cli.targets import platform_here
from dockerflow.cli.words import counted
from dockerflow.config import Config
from dockerflow.environments import relock
from dockerflow.environments.differences import changes
from dockerflow.environments.errors import EnvironmentsError
from dockerflow.environments.lock import Lock
from dockerflow.environments.locks import of_runs
from dockerflow.environments.relock import Before, Outcome, Plan, Upgrade, Wanted
from dockerflow.environments.request import environment_for
from dockerflow.environments.spec import Environment, EnvironmentSpec, GivenLock
from dockerflow.environments.virtual_packages import PLATFORMS
from dockerflow.flow.checks import check as require_sound
from dockerflow.flow.definition import Flow
from dockerflow.flow.errors import place
from dockerflow.flow.given import NOTHING, Given
from dockerflow.lazy_dataclasses import dataclass


@dataclass(frozen=True)
class Chosen:
    """What the command line says."""

    file: Path
    flow: str | None
    packages: tuple[str, ...]
    upgrade: bool
    check: bool
    platforms: tuple[str, ...]
    given: Given = NOTHING


def lock(chosen: Chosen) -> int:
    """Bring the committed locks up to date, or with `--check` say whether they are. Raises DockerflowError."""
    _require_sense(chosen)
    flow = load_flow(chosen.file, chosen.flow, chosen.given).flow
    require_sound(flow, containers=True)
    config = config_here()
    there = relock.before(flow.file)
    upgrade = _upgrade(chosen, there)
    platforms = tuple(sorted({*there.platforms(flow.name), *chosen.platforms})) or (platform_here(config),)
    wanted, others = _environments(flow, config, platforms)
    plans = relock.plan(flow.name, wanted, there, upgrade)
    named = {environment.file for environment, _ in others if isinstance(environment, GivenLock)}
    unused = [path for path in relock.stale(flow.name, plans, there) if path not in named]
    _tell(_nothing_to_lock(others))
    if chosen.check:
        return _check(plans, unused, chosen)
    _tell_solving(plans)
    outcomes = relock.solve(plans, upgrade, partial(of_runs, store=store_if_there()))
    relock.write(outcomes, unused)
    _tell(line for outcome in outcomes for line in _told(outcome, upgrade))
    _tell(f"{_short(path)}: removed, {_instead(path, plans)}" for path in unused)
    return 0


def _require_sense(chosen: Chosen) -> None:
    if chosen.packages and not chosen.upgrade:
        words = ["dockerflow", "lock", str(chosen.file), "--upgrade", *chosen.packages]
        raise CommandLineError(
            f"`dockerflow lock` locks all that is missing; it takes the name `{chosen.packages[0]}` only to upgrade it",
            f"try `{shlex.join(words)}`",
        )
    if chosen.check and chosen.upgrade:
        raise CommandLineError("`--check` changes nothing, and `--upgrade` asks for a change", "leave one of them out")
    for name in chosen.platforms:
        if name not in PLATFORMS:
            raise CommandLineError(
                f"there are no step images for the platform `{name}`",
                f"name {' or '.join(f'`{each}`' for each in PLATFORMS)}",
            )


def _upgrade(chosen: Chosen, there: Before) -> Upgrade:
    locked = there.packages()
    known = {*locked, *map(canonicalize_name, locked)}
    names = frozenset(name.lower() for name in chosen.packages)
    for name in sorted(names):
        if name not in known:
            near = nearest(name, locked)
            raise CommandLineError(
                f"no lock of `{chosen.file}` has the package `{name}`",
                f"did you mean `{near}`?" if near else "what is asked for and not locked yet needs no `--upgrade`",
            )
    return Upgrade(everything=chosen.upgrade and not names, names=names)


def _environments(
    flow: Flow, config: Config, platforms: Sequence[str]
) -> tuple[list[Wanted], list[tuple[Environment, str]]]:
    """The environments to lock, and the steps that bring theirs."""
    steps: dict[tuple[EnvironmentSpec, ...], tuple[str, ...]] = {}
    others: list[tuple[Environment, str]] = []
    for step in flow.steps.values():
        asked = [environment_for(step, config.channels, config.indexes, each) for each in platforms]
        specs = tuple(each for each in asked if isinstance(each, EnvironmentSpec))
        if specs:
            steps[specs] = (*steps.get(specs, ()), step.name)
        else:
            others.append((asked[0], step.name))
    return [Wanted(names, specs) for specs, names in steps.items()], others


def _nothing_to_lock(others: Iterable[tuple[Environment, str]]) -> Iterator[str]:
    for environment, step in others:
        if isinstance(environment, GivenLock):
            yield f"{step}: nothing to lock, it names {_short(environment.file)}"
        elif not isinstance(environment, EnvironmentSpec):
            yield f"{step}: nothing to lock, it brings the image {environment.name}"


def _check(plans: Sequence[Plan], unused: Sequence[Path], chosen: Chosen) -> int:
    """One line per environment; not 0 if `lock` would change anything."""
    _tell(f"{_steps(each)}: {_verdict(each)}" for each in plans)
    _tell(f"{_short(path)}: {_instead(path, plans)}" for path in unused)
    if not unused and all(each.current for each in plans):
        return 0
    named = ["--flow", chosen.flow] if chosen.flow else []
    platforms = [word for name in chosen.platforms for word in ("--platform", name)]
    _tell([f"mend it with `{shlex.join(['dockerflow', 'lock', str(chosen.file), *named, *platforms])}`"])
    return EnvironmentsError.exit_code


def _instead(path: Path, plans: Sequence[Plan]) -> str:
    """Why a file is there no more."""
    heir = next((each.path for each in plans if each.was == path), None)
    return f"its environment belongs into {_short(heir)}" if heir else "no step has this environment any more"


def _verdict(each: Plan) -> str:
    where = _short(each.path)
    if each.current:
        return f"{where} is up to date"
    if each.unfit:
        spec, reason = each.unfit[0]
        if each.broken:
            return each.broken.replace(str(each.path), where)
        if not each.before:
            return f"{where} is missing"
        return f"{where} is out of date for {spec.platform}: {reason}"
    changed = "the spec has changed" if each.other_spec else "it was written for other steps, or under another name"
    return f"{where} is out of date: {changed}, its packages stay"


def _told(outcome: Outcome, upgrade: Upgrade) -> Iterator[str]:
    plan = outcome.plan
    sizes = sorted((lock.platform, len(lock.packages)) for lock in outcome.locks)
    counts = " and ".join(f"{counted(number, 'package')} for {name}" for name, number in sizes)
    yield f"{_steps(plan)}: {_deed(outcome, upgrade)}, {counts} ({_short(plan.path)})"
    changed = {lock.platform: _changes(plan.before.get(lock.platform), lock) for lock in outcome.locks}
    told = set(map(tuple, changed.values()))
    for name, lines in sorted(changed.items()):
        if len(told) > 1 and lines:
            yield f"  {name}:"
        yield from (f"  {'  ' if len(told) > 1 else ''}{line}" for line in lines)
        if len(told) == 1:
            return


def _deed(outcome: Outcome, upgrade: Upgrade) -> str:
    plan = outcome.plan
    if plan.foreign:
        return "kept as another tool made it"
    if not plan.unfit:
        return "kept" if plan.current else "rewritten, the packages stay"
    if outcome.of_runs:
        return "taken from earlier runs"
    if not plan.before:
        return "solved"
    if upgrade.nothing:
        return f"renewed because {plan.unfit[0][1]}"
    changed = any(_changes(plan.before.get(lock.platform), lock) for lock in outcome.locks)
    return "upgraded" if changed else "kept, nothing newer fits"


def _changes(before: Lock | None, now: Lock) -> list[str]:
    """Nothing for a lock that is new as a whole."""
    return [] if before is None else [str(change) for change in changes(before, now)]


def _tell_solving(plans: Sequence[Plan]) -> None:
    """Solving takes seconds: whoever sits in front of it should know."""
    solving = [_steps(each) for each in plans if each.unfit]
    if solving and sys.stderr.isatty():
        print(f"solving {counted(len(solving), 'environment')}: {'; '.join(solving)}", file=sys.stderr)


def _tell(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)


def _steps(each: Plan) -> str:
    return ", ".join(each.wanted.steps)


def _short(path: Path) -> str:
    return place(str(path))
