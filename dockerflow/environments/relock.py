"""The locks that a flow should have in version control, from those that it has.

One file per distinct environment, named after its first step, for all platforms of the flow. What still fits is kept
as it is; what is missing is what earlier runs had, otherwise it is solved, and packages that were locked before keep
their version where they may. All is solved before anything is written. Files of other tools are read and never
changed, and neither are those of another flow in the same file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import field, replace
from pathlib import Path

from packaging.utils import canonicalize_name

from dockerflow.environments import committed, fit, lock_file, solver
from dockerflow.environments.committed import Committed
from dockerflow.environments.errors import LockFileError
from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.environments.lock_file import Whose
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import files

_AT_ONCE = 4

# The lock that runs have had for a spec, if there is one: what is committed should be what was seen to work.
Earlier = Callable[[EnvironmentSpec], Lock | None]


@dataclass(frozen=True)
class Wanted:
    """One environment: the steps that share it, and what they ask for on each platform."""

    steps: tuple[str, ...]
    specs: tuple[EnvironmentSpec, ...]


@dataclass(frozen=True)
class Upgrade:
    """Which packages should be the newest: those of these names, or all (`everything`)."""

    everything: bool = False
    names: frozenset[str] = frozenset()

    @property
    def nothing(self) -> bool:
        return not self.everything and not self.names

    def touches(self, lock: Lock) -> bool:
        return self.everything or any(self._named(package) for package in lock.packages)

    def kept(self, packages: Iterable[LockedPackage]) -> tuple[LockedPackage, ...]:
        return () if self.everything else tuple(package for package in packages if not self._named(package))

    def _named(self, package: LockedPackage) -> bool:
        return package.name in self.names or canonicalize_name(package.name) in self.names


@dataclass(frozen=True)
class Before:
    """The committed files of a flow: what could be read, and why some of ours could not."""

    folder: Path
    readable: tuple[Committed, ...]
    broken: Mapping[Path, str] = field(default_factory=dict)

    def platforms(self, flow: str) -> tuple[str, ...]:
        """Those that any of the flow's own files is for, sorted."""
        own = (each for each in self.readable if is_of_flow(each, flow))
        return tuple(sorted({file.lock.platform for each in own for file in each.files}))

    def packages(self) -> set[str]:
        return {package.name for each in self.readable for file in each.files for package in file.lock.packages}


@dataclass(frozen=True)
class Plan:
    """What becomes of one environment. `kept` are locks that stay, `unfit` says of each other spec why it is solved;
    `text` is what stands in `path` now, None for nothing; `was` is where the locks were before.
    """

    wanted: Wanted
    path: Path
    whose: Whose
    before: Mapping[str, Lock]  # by platform
    kept: tuple[Lock, ...]
    unfit: tuple[tuple[EnvironmentSpec, str], ...]
    text: str | None
    was: Path | None = None
    foreign: bool = False  # another tool's file serves: nothing is written
    broken: str = ""  # why the file that is there cannot be read

    @property
    def current(self) -> bool:
        """Whether the file is as it should be."""
        return self.foreign or (not self.unfit and self.text == self.written(()))

    @property
    def other_spec(self) -> bool:
        """Whether a lock that stays was made for another spec."""
        return any(self.before[lock.platform].spec_hash != lock.spec_hash for lock in self.kept)

    def written(self, solved: Sequence[Lock]) -> str:
        first, *others = (*self.kept, *solved)
        return lock_file.dumps(first, *others, whose=self.whose)


@dataclass(frozen=True)
class Outcome:
    """One environment's locks as they are now. `of_runs`: those that were missing are those of earlier runs."""

    plan: Plan
    locks: tuple[Lock, ...]
    of_runs: bool = False

    @property
    def solved(self) -> bool:
        return bool(self.plan.unfit)


def is_of_flow(each: Committed, flow: str) -> bool:
    return each.ours and each.whose.flow in ("", flow)


def before(flow_file: str | Path) -> Before:
    """Raises LockFileError for a file of another tool that cannot be read; one of ours can be written again."""
    readable, broken = [], {}
    for path in committed.paths(flow_file):
        try:
            readable.append(committed.read(path))
        except LockFileError as error:
            if not _looks_ours(path):
                error.hint = "restore the file with the tool that wrote it, or remove it"
                raise
            broken[path] = error.message
    return Before(committed.folder(flow_file), tuple(readable), broken)


def plan(flow: str, wanted: Sequence[Wanted], there: Before, upgrade: Upgrade) -> list[Plan]:
    """What has to be done, for each environment in its order."""
    return [_plan(flow, each, there, upgrade) for each in wanted]


def stale(flow: str, plans: Sequence[Plan], there: Before) -> list[Path]:
    """Files that dockerflow wrote for environments that are not there any more."""
    used = {each.path for each in plans}
    own = [each.path for each in there.readable if is_of_flow(each, flow)]
    return [path for path in sorted([*own, *there.broken]) if path not in used]


def solve(plans: Sequence[Plan], upgrade: Upgrade, earlier: Earlier) -> list[Outcome]:
    """Every environment with all its locks. Raises what `solver.solve` does, and nothing has been written then."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        futures = [pool.submit(_outcome, each, upgrade, earlier) for each in plans]
        return [future.result() for future in futures]


def write(outcomes: Sequence[Outcome], unused: Iterable[Path]) -> None:
    """Make the files those of the outcomes; each is there as a whole or as it was. Raises LockFileError."""
    for each in outcomes:
        if not each.plan.foreign:
            _write(each.plan.path, lock_file.dumps(*each.locks, whose=each.plan.whose), each.plan.text)
    for path in unused:
        with suppress(FileNotFoundError):
            path.unlink()


def _plan(flow: str, wanted: Wanted, there: Before, upgrade: Upgrade) -> Plan:
    own = _own(flow, wanted, there)
    foreign = None if own else _foreign(wanted, there)
    whose = Whose(flow, wanted.steps)
    if foreign is not None:
        locks = tuple(lock for spec in wanted.specs if (lock := _lock(foreign, spec.platform)))
        return Plan(wanted, foreign.path, whose, {}, locks, (), foreign.text, foreign=True)
    path = _path(flow, wanted, there)
    locks_before = {file.lock.platform: file.lock for file in own.files} if own else {}
    kept, unfit = [], []
    for spec in wanted.specs:
        reason = _reason(own, spec, upgrade)
        if reason is None:
            kept.append(_for_spec(locks_before[spec.platform], spec))
        else:
            unfit.append((spec, reason))
    text = own.text if own and own.path == path else None
    was, broken = own.path if own else None, there.broken.get(path, "")
    return Plan(wanted, path, whose, locks_before, tuple(kept), tuple(unfit), text, was, broken=broken)


def _own(flow: str, wanted: Wanted, there: Before) -> Committed | None:
    """The file that this environment had: made for the same spec, or for most of the same steps."""
    own = [each for each in there.readable if is_of_flow(each, flow)]
    for each in own:
        if any(committed.was_made_for(file, spec) for file in each.files for spec in wanted.specs):
            return each
    shared = [(len({*wanted.steps}.intersection(each.whose.steps)), each) for each in own]
    most = max(shared, key=lambda pair: pair[0], default=(0, None))
    return most[1] if most[0] else None


def _foreign(wanted: Wanted, there: Before) -> Committed | None:
    """A file of another tool that gives what is asked for on every platform."""
    for each in there.readable:
        locks = [(_lock(each, spec.platform), spec) for spec in wanted.specs]
        if not each.ours and all(lock is not None and not fit.satisfies(lock, spec) for lock, spec in locks):
            return each
    return None


def _lock(each: Committed, platform: str) -> Lock | None:
    file = each.of(platform)
    return file.lock if file else None


def _reason(own: Committed | None, spec: EnvironmentSpec, upgrade: Upgrade) -> str | None:
    """Why the lock for this spec has to be solved; None where it stays."""
    file = own.of(spec.platform) if own else None
    if own is None or file is None:
        return "there is no lock for it" if own is None else f"its lock is not for `{spec.platform}`"
    if upgrade.touches(file.lock):
        return "an upgrade is asked for"
    return next(iter(committed.unfit(file, spec)), None)


def _for_spec(lock: Lock, spec: EnvironmentSpec) -> Lock:
    return replace(lock, spec_hash=spec.spec_hash, requested=fit.requested(spec, lock.packages))


def _path(flow: str, wanted: Wanted, there: Before) -> Path:
    """`<first step>.yml`, or another name where somebody else's file has that one."""
    others = {each.path for each in there.readable if not is_of_flow(each, flow)}
    first = wanted.steps[0]
    names = (first, f"{flow}-{first}", *(f"{flow}-{first}-{number}" for number in range(2, len(others) + 3)))
    return next(path for name in names if (path := there.folder / f"{name}.yml") not in others)


def _outcome(each: Plan, upgrade: Upgrade, earlier: Earlier) -> Outcome:
    if each.foreign or not each.unfit:
        return Outcome(each, each.kept)
    if not each.before and upgrade.nothing:
        had = [earlier(spec) for spec, _ in each.unfit]
        if all(had):
            locks = (_for_spec(lock, spec) for (spec, _), lock in zip(each.unfit, had) if lock)
            return Outcome(each, (*each.kept, *locks), of_runs=True)
    return Outcome(each, (*each.kept, *(_solved(each, spec, upgrade) for spec, _ in each.unfit)))


def _solved(each: Plan, spec: EnvironmentSpec, upgrade: Upgrade) -> Lock:
    """Where this platform has no lock yet, the others' versions are kept as far as they go."""
    last = each.before.get(spec.platform) or next(iter(each.before.values()), None)
    keep = upgrade.kept(last.packages) if last else ()
    return _for_spec(solver.solve(spec, each.wanted.steps, keep=keep), spec)


def _write(path: Path, text: str, there: str | None) -> None:
    if text == there:
        return
    try:
        files.make_folder(path.parent)
        with files.temporary(path.parent) as unfinished:
            unfinished.write(text.encode())
            unfinished.flush()
            files.move(Path(unfinished.name), path)
    except OSError as error:
        raise LockFileError(
            f"the lock `{path}` cannot be written: {error.strerror}",
            f"make a folder of `{path.parent}` in which you may write",
        ) from error


def _looks_ours(path: Path) -> bool:
    """Whether a file that cannot be read begins as ours do: after a merge with conflicts it still does."""
    first = lock_file.HEADER.partition("\n")[0]
    with suppress(OSError):
        return first in path.read_text(encoding="utf-8", errors="replace")
    return False
