"""What each step's image was made from when it was last built here, so that it can be told why it is another now.

    builds/<hash of flow file, flow and step>.json    a `History` for each step, in the cache

It says more than the images' own records: those are found by what they are made from, and are removed with the images.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from dockerflow.images.build_record import KeyParts, parts_as_json, parts_from_json
from dockerflow.images.files import read_json, write_json
from dockerflow.images.layer_cache import layer_key
from dockerflow.lazy_dataclasses import dataclass

FOLDER = "builds"
VERSION = 1


@dataclass(frozen=True)
class Whose:
    """A step of a flow in a file: the same names in another folder are another flow."""

    flow_file: str  # absolute
    flow: str
    step: str


@dataclass(frozen=True)
class LastBuild:
    """The image that a step had. `parts` is None for an image that the step brought along, whose `name` is the user's
    and whose `digest` is the engine's ID.
    """

    name: str
    digest: str
    parts: KeyParts | None

    @property
    def key(self) -> str:
        return self.parts.build_key if self.parts else self.digest


@dataclass(frozen=True)
class History:
    """`before` is the image before the last one, if there was any."""

    last: LastBuild
    before: LastBuild | None = None


def read(cache_dir: Path, whose: Whose) -> History | None:
    """None for a step that was never built with this cache."""
    return read_json(_path(cache_dir, whose), _history)


def note(cache_dir: Path, whose: Whose, build: LastBuild) -> None:
    """Remember the build; nothing changes for one like the last. What cannot be written is not remembered: it serves
    an explanation alone.
    """
    known = read(cache_dir, whose)
    if known is not None and known.last == build:
        return
    same = known is not None and known.last.key == build.key
    before = None if known is None else known.before if same else known.last
    try:
        write_json(_path(cache_dir, whose), {"version": VERSION, "last": _as_json(build), "before": _as_json(before)})
    except OSError:
        return


def _path(cache_dir: Path, whose: Whose) -> Path:
    key = layer_key("dockerflow.build_history", os.path.realpath(whose.flow_file), whose.flow, whose.step)
    return cache_dir / FOLDER / f"{key}.json"


def _as_json(build: LastBuild | None) -> dict[str, Any] | None:
    if build is None:
        return None
    return {
        "name": build.name,
        "digest": build.digest,
        "parts": None if build.parts is None else parts_as_json(build.parts),
    }


def _history(found: Any) -> History:
    if found["version"] != VERSION:
        raise ValueError(f"a history of version {found['version']}")
    before = found["before"]
    return History(_build(found["last"]), None if before is None else _build(before))


def _build(found: Any) -> LastBuild:
    parts = found["parts"]
    return LastBuild(str(found["name"]), str(found["digest"]), None if parts is None else parts_from_json(parts))
