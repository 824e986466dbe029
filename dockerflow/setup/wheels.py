"""Resolve requirements on PyPI, download the wheels, and read what they say about themselves.

pip does the resolving, run for the very interpreter whose packages are wanted, so that tags and environment markers are
that interpreter's. What a wheel becomes is left to `wheel_package`.
"""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from email.message import Message
from email.parser import BytesParser
from functools import cached_property
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import parse_wheel_filename
from packaging.version import Version

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.setup.errors import ChannelNotMade
from dockerflow.setup.names import normalized

# A compiled module asks for numpy's C API by one of these names: the second came with the headers of numpy 2, which
# also work under numpy 1. A module that knows the first name alone was built against numpy 1 and dies under numpy 2,
# though its wheel's metadata rarely says so (https://numpy.org/doc/stable/dev/depending_on_numpy.html).
NUMPY_1_API = b"numpy.core._multiarray_umath"
NUMPY_2_API = b"numpy._core._multiarray_umath"

PIP_SECONDS = 900


@dataclass(frozen=True)
class Wheel:
    """A wheel file, read lazily."""

    path: Path

    @property
    def name(self) -> str:
        return str(parse_wheel_filename(self.path.name)[0])

    @property
    def version(self) -> Version:
        return parse_wheel_filename(self.path.name)[1]

    @property
    def pure(self) -> bool:
        """Whether it runs on any platform and any Python 3."""
        return all(
            tag.platform == "any" and tag.abi == "none" and re.fullmatch(r"py3\d*|py2", tag.interpreter)
            for tag in parse_wheel_filename(self.path.name)[3]
        )

    @cached_property
    def files(self) -> Mapping[str, bytes]:
        """The content by name, in the archive's order."""
        with zipfile.ZipFile(self.path) as archive:
            return {info.filename: archive.read(info) for info in archive.infolist() if not info.is_dir()}

    @cached_property
    def executables(self) -> frozenset[str]:
        """The files that the archive marks as executable."""
        with zipfile.ZipFile(self.path) as archive:
            return frozenset(info.filename for info in archive.infolist() if (info.external_attr >> 16) & 0o111)

    @cached_property
    def dist_info(self) -> str:
        """The name of its `.dist-info` folder. Its case may differ from the file name's."""
        return next(name for name in self.files if name.endswith(".dist-info/METADATA")).rsplit("/", 1)[0]

    @cached_property
    def metadata(self) -> Message:
        return BytesParser().parsebytes(self.files[f"{self.dist_info}/METADATA"])

    @property
    def requirements(self) -> list[Requirement]:
        return [Requirement(text) for text in self.metadata.get_all("Requires-Dist", [])]

    @property
    def requires_python(self) -> str:
        return str(self.metadata.get("Requires-Python", ""))

    @cached_property
    def needs_numpy_1(self) -> bool:
        """Whether a module in it was built against numpy 1 and cannot run under numpy 2."""
        if self.pure or self.name == "numpy":
            return False
        modules = (content for name, content in self.files.items() if name.endswith(".so"))
        return any(NUMPY_1_API in module and NUMPY_2_API not in module for module in modules)


@dataclass(frozen=True)
class Resolution:
    """The wheels that one request resolved to, by normalized name, and the interpreter's environment markers."""

    wheels: Mapping[str, Wheel]
    markers: Mapping[str, str]

    def dependencies(self, wheel: Wheel, extras: Iterable[str] = ()) -> list[Requirement]:
        """What `wheel` (with `extras`) needs under this interpreter; extras of what it needs are followed through.

        conda has no extras: what `a` needs of `b[fast]` must become what `a` needs.
        """
        found: list[Requirement] = []
        asked = ["", *extras]
        for requirement in wheel.requirements:
            if not self._applies(requirement.marker, asked):
                continue
            found.append(requirement)
            inner = self.wheels.get(normalized(requirement.name))
            if requirement.extras and inner is not None and inner is not wheel:
                plain = {str(r) for r in self.dependencies(inner)}
                found += [r for r in self.dependencies(inner, requirement.extras) if str(r) not in plain]
        return found

    def _applies(self, marker: Marker | None, extras: Sequence[str]) -> bool:
        return marker is None or any(marker.evaluate({**self.markers, "extra": extra}) for extra in extras)

    @property
    def built_for_numpy_1(self) -> list[Wheel]:
        return [wheel for wheel in self.wheels.values() if wheel.needs_numpy_1]

    @property
    def consistent(self) -> bool:
        """Whether no wheel that was built against numpy 1 stands beside numpy 2."""
        numpy = self.wheels.get("numpy")
        return numpy is None or numpy.version < Version("2") or not self.built_for_numpy_1


def resolve(requirements: Sequence[str], executable: Path, markers: Mapping[str, str], folder: Path) -> Resolution:
    """Download the wheels of `requirements` and of all that they need into folders below `folder`.

    Raises ChannelNotMade where PyPI does not answer or has no such wheels.
    """
    first = Resolution(_download(requirements, executable, folder / "any"), markers)
    if first.consistent:
        return first
    older = [*requirements, "numpy<2"]
    return Resolution(_download(older, executable, folder / "numpy-1"), markers)


def _download(requirements: Sequence[str], executable: Path, folder: Path) -> dict[str, Wheel]:
    folder.mkdir(parents=True, exist_ok=True)
    if requirements:
        _pip(["download", "--only-binary=:all:", "--dest", str(folder), *requirements], executable, requirements)
    return {wheel.name: wheel for wheel in map(Wheel, sorted(folder.glob("*.whl")))}


def _pip(arguments: list[str], executable: Path, requirements: Sequence[str]) -> None:
    command = [sys.executable, "-m", "pip", "--python", str(executable), "--no-input", "--disable-pip-version-check"]
    try:
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=PIP_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise ChannelNotMade(
            f"PyPI gave no answer for {_listed(requirements)} in {PIP_SECONDS // 60} minutes.",
            "check the network and pip's settings (`pip config list`), then try again",
        ) from None
    if done.returncode != 0:
        raise ChannelNotMade(*_explained(done.stderr, requirements))


def _explained(stderr: str, requirements: Sequence[str]) -> tuple[str, str]:
    if "No module named pip" in stderr:
        return "The interpreter that runs dockerflow has no pip.", f"run `{sys.executable} -m ensurepip`"
    if "connection broken by" in stderr:  # of each further try; at the end pip says no more than that it found nothing
        return f"PyPI does not answer; it was asked for {_listed(requirements)}.", (
            "check the network and pip's settings (`pip config list`), or configure a conda channel that answers"
        )
    reasons = [line.removeprefix("ERROR: ") for line in stderr.splitlines() if line.startswith("ERROR: ")]
    reason = reasons[0] if reasons else stderr.strip().rsplit("\n", 1)[-1]
    return f"PyPI has no wheels for {_listed(requirements)}: {reason}", (
        "change the step's `@conda(libraries=…)`, or configure a conda channel that has these packages"
    )


def _listed(requirements: Sequence[str]) -> str:
    return ", ".join(f"`{requirement}`" for requirement in requirements)
