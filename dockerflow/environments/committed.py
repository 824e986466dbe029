"""Locks in version control, beside the flow that they are for.

They are all files `*.yml` and `*.yaml` in the folder `<flow>.locks` beside `<flow>.py`. Which of them belongs to a step
is said by what is in it and not by its name: it was made for the same spec; or for the same steps, and still fits; or
another tool made it, and its packages satisfy the spec. `dockerflow lock` writes them, see `relock`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from dockerflow.environments import lock_file
from dockerflow.environments.errors import LockFileError
from dockerflow.environments.lock import Lock
from dockerflow.environments.lock_file import LockFile, Whose
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.flow.errors import place
from dockerflow.lazy_dataclasses import dataclass

_SUFFIXES = (".yml", ".yaml")


@dataclass(frozen=True)
class Committed:
    """A file and the locks in it, one per platform."""

    path: Path
    text: str
    files: tuple[LockFile, ...]

    @property
    def whose(self) -> Whose:
        return self.files[0].whose if self.files else lock_file.NOBODY

    @property
    def ours(self) -> bool:
        """Whether dockerflow wrote it."""
        return any(file.ours for file in self.files)

    def of(self, platform: str) -> LockFile | None:
        return next((file for file in self.files if file.lock.platform == platform), None)

    def made_for(self, steps: Sequence[str]) -> bool:
        return not set(steps).isdisjoint(self.whose.steps or (self.path.stem,))


@dataclass(frozen=True)
class PassedOver:
    path: Path
    reason: str


def folder(flow_file: str | Path) -> Path:
    """Where the locks of a flow are that are kept in version control."""
    return Path(flow_file).with_suffix(".locks")


def paths(flow_file: str | Path) -> list[Path]:
    there = folder(flow_file)
    return sorted(path for path in there.iterdir() if path.suffix in _SUFFIXES) if there.is_dir() else []


def read(path: Path) -> Committed:
    """Raises LockFileError: somebody counts on the file."""
    return _parsed(path, _text(path))


def find(
    spec: EnvironmentSpec, flow_file: str | Path, steps: Sequence[str]
) -> tuple[tuple[Path, Lock] | None, list[PassedOver]]:
    """The committed lock that `steps` may use for `spec`, and those of theirs that do not fit any more."""
    there = _texts(flow_file)
    # Reading a lock takes far longer than looking for a hash in it, and every environment of a flow asks.
    for path, text in there.items():
        if any(each.spec_hash in text for each in (spec, spec.with_python)):
            lock = _made_for_spec(_parsed(path, text), spec, steps)
            if lock is not None:
                return (path, replace(lock, spec_hash=spec.spec_hash)), []
    every = [_parsed(path, text) for path, text in there.items()]
    for choose in (_made_for_steps, _of_another_tool):
        for committed in every:
            if (lock := choose(committed, spec, steps)) is not None:
                return (committed.path, replace(lock, spec_hash=spec.spec_hash)), []
    return None, list(_passed_over(every, spec, steps))


def _texts(flow_file: str | Path) -> dict[Path, str]:
    return {path: _text(path) for path in paths(flow_file)}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LockFileError(
            f"the lock `{place(str(path))}` cannot be read: {error}",
            "mend or remove it: a run looks at every file in that folder",
        ) from error


def _parsed(path: Path, text: str) -> Committed:
    return Committed(path, text, tuple(lock_file.read_every(text, place(str(path)))))


def was_made_for(file: LockFile, spec: EnvironmentSpec) -> bool:
    return file.lock.spec_hash in (spec.spec_hash, spec.with_python.spec_hash)


def unfit(file: LockFile, spec: EnvironmentSpec) -> list[str]:
    """Why the lock cannot be used for the spec."""
    if was_made_for(file, spec) and file.intact:
        return []
    fit = _fit()
    return [*fit.fits(file.lock, spec), *([] if file.intact else fit.gaps(file.lock))]


def _made_for_spec(committed: Committed, spec: EnvironmentSpec, steps: Sequence[str]) -> Lock | None:
    file = committed.of(spec.platform)
    return file.lock if file and was_made_for(file, spec) and not unfit(file, spec) else None


def _made_for_steps(committed: Committed, spec: EnvironmentSpec, steps: Sequence[str]) -> Lock | None:
    file = committed.of(spec.platform)
    if file is None or not file.ours or not committed.made_for(steps) or unfit(file, spec):
        return None
    return replace(file.lock, requested=_fit().requested(spec, file.lock.packages))


def _of_another_tool(committed: Committed, spec: EnvironmentSpec, steps: Sequence[str]) -> Lock | None:
    file = committed.of(spec.platform)
    if file is None or file.ours or _fit().satisfies(file.lock, spec):
        return None
    return replace(file.lock, requested=_fit().requested(spec, file.lock.packages))


def _passed_over(there: Sequence[Committed], spec: EnvironmentSpec, steps: Sequence[str]) -> Iterator[PassedOver]:
    for committed in there:
        file = committed.of(spec.platform)
        if file is not None and (committed.made_for(steps) or was_made_for(file, spec)):
            yield PassedOver(
                committed.path, unfit(file, spec)[0] if file.ours else _fit().satisfies(file.lock, spec)[0]
            )
        elif file is None and committed.made_for(steps):
            has = " and ".join(f"`{other.lock.platform}`" for other in committed.files) or "no platform"
            yield PassedOver(committed.path, f"it is for {has}, and `{spec.platform}` is asked for")


def _fit() -> ModuleType:
    """What compares versions, which a lock that was made for the spec does not need: it takes long to import."""
    from dockerflow.environments import fit  # noqa: PLC0415

    return fit
