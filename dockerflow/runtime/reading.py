"""Read what a task is given: manifests and values, with errors that say whose they are and what to do in this step.

A value that this step's libraries cannot make names the step that wrote it and the versions to ask for; a blob that is
not there, or not what it was, names the artifact that it holds. Standard library only, Python 3.7.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping

from dockerflow.artifacts import libraries
from dockerflow.artifacts.errors import CannotDecode
from dockerflow.flow.conda_names import package_of, pypi_package_of
from dockerflow.flow.definition import Image, Pypi, Step
from dockerflow.store import manifest
from dockerflow.store.base import BlobStore, computed_again
from dockerflow.store.errors import DamagedBlob, DamagedRecord, MissingBlob, StoreError
from dockerflow.store.manifest import ArtifactRef

__all__ = ["refs_of", "value_of"]


def refs_of(blobs: BlobStore, sha256: str, whose: str, step: Step) -> Mapping[str, ArtifactRef]:
    """The artifacts of a manifest, which is that of `whose`. Raises MissingBlob, DamagedBlob or DamagedRecord."""
    try:
        return manifest.read(blobs, sha256).artifacts
    except (MissingBlob, DamagedBlob, DamagedRecord) as error:
        message = f"step `{step.name}` cannot read the artifacts of {whose}: {error.message}"
        raise type(error)(message, _who_uses(sha256, error)) from error


def value_of(blobs: BlobStore, ref: ArtifactRef, step: Step) -> Any:
    """The value of an artifact. Raises MissingBlob, DamagedBlob or CannotDecode."""
    try:
        return manifest.load(blobs, ref, f"step `{step.name}`")
    except CannotDecode as error:
        error.hint = _same_libraries(error, ref, step) or error.hint
        raise
    except (MissingBlob, DamagedBlob) as error:
        by = f", which step `{ref.step}` wrote" if ref.step else ""
        message = f"step `{step.name}` cannot read artifact `{ref.name}`{by}: {error.message}"
        raise type(error)(message, _who_uses(ref.blob, error)) from error


def _who_uses(sha256: str, error: StoreError) -> str:
    return f"`dockerflow store uses {sha256}` lists the runs that use it; {computed_again(error)}"


def _same_libraries(error: CannotDecode, ref: ArtifactRef, step: Step) -> str:
    """How to give the step what wrote the value; empty where its libraries are the same, so that something else is."""
    wanted = libraries.differing(ref.libraries)
    root = error.module.partition(".")[0]
    if root and root not in wanted:
        return ""  # the module of a class, which no version is known of
    if not wanted:
        return ""
    if step.decorator(Image):
        listed = ", ".join(f"`{package_of(name)}` {version}" for name, version in wanted.items())
        return f"put what wrote it into the image of step `{step.name}` ({listed}), or store plain values instead"
    return f"give step `{step.name}` what wrote it, `{_decorator(step, wanted)}`, or store plain values instead"


def _decorator(step: Step, wanted: Mapping[str, str]) -> str:
    pypi = step.decorator(Pypi)
    named: Dict[str, str] = {(pypi_package_of if pypi else package_of)(name): v for name, v in wanted.items()}
    listed = ", ".join(f'"{name}": "{version}"' for name, version in named.items())
    return f"@pypi(packages={{{listed}}})" if pypi else f"@conda(libraries={{{listed}}})"
