"""Images as values: a step image with what it is made of and the two digests that name it, and a user's own."""

from __future__ import annotations

from pathlib import Path

from dockerflow.lazy_dataclasses import dataclass

# Where every environment stands in its image. Part of every layer's key, so it cannot change without new layers.
PREFIX = "/opt/env"


@dataclass(frozen=True)
class Layer:
    """One uncompressed tar in the layer cache. `diff_id` is `sha256:` + the hash of the file's bytes."""

    diff_id: str
    path: Path
    size: int
    title: str  # for people: `pandas 1.5.3`, `18 small packages`, `base`


@dataclass(frozen=True)
class StepImage:
    """Base layers, package layers and a config: a pure function of lock, base and recipe.

    An engine with the classic store, and Podman, call the image by `config_digest`; an engine with the containerd store
    and a registry by `manifest_digest`. `reference` is the name it is loaded under, `dockerflow/step:<24 hex digits>`.
    """

    reference: str
    config_digest: str
    manifest_digest: str
    config: bytes
    manifest: bytes
    layers: tuple[Layer, ...]
    base_digest: str  # config digest of the base image
    lock_hash: str


@dataclass(frozen=True)
class OwnPython:
    """The Python in an image that a step brings along: its `path` and its `version` (`3.11.4`). `closed` are the
    folders of `own_python.FOLDERS` that a task could not write to there.
    """

    path: str
    version: str
    closed: tuple[str, ...] = ()


@dataclass(frozen=True)
class OwnImage:
    """A user's image on an engine. Of the two digests the one is known that the engine calls the image by: its `id`."""

    name: str  # as the user wrote it
    id: str
    config_digest: str
    manifest_digest: str
    repository_digest: str  # `name@sha256:…` as a registry knows it; empty for one that was never pushed or pulled
    python: OwnPython
