"""The record of one installed package, `conda-meta/<name>-<version>-<build>.json`.

Tools inside the container (conda, pip's view of conda, scanners that make bills of material) read it. It has the same
fields as py-rattler's installer writes, save for what depends on the machine: where the archive was fetched from and
where it was unpacked. An image is a function of its packages' contents, and the same package from a mirror is the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from dockerflow.images.metadata import PackageContents, PathEntry

# The fields of a package's own `index.json` that a record repeats, where they are set.
_INDEX_FIELDS = (
    "arch", "build", "build_number", "constrains", "depends", "extra_depends", "features", "flags", "license",
    "license_family", "name", "noarch", "platform", "preferred_env", "purls", "python_site_packages_path",
    "run_exports", "subdir", "timestamp", "track_features", "version",
)  # fmt: skip

_ENCODER = json.JSONEncoder(indent=2, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Installed:
    """One path as it stands in the environment; `sha256` is of the bytes there, None if they are the archive's."""

    entry: PathEntry
    path_type: str
    sha256: str | None
    size: int


def record_path(index: dict[str, Any]) -> str:
    return f"conda-meta/{index['name']}-{index['version']}-{index['build']}.json"


def record(
    contents: PackageContents, file_name: str, sha256: str, size: int, installed: list[Installed]
) -> Iterator[bytes]:
    """The record's text, in pieces: it may be large. `sha256` and `size` are the archive's."""
    index = contents.index
    package = {key: index[key] for key in _INDEX_FIELDS if index.get(key) not in (None, [], {})}
    package |= {"depends": index.get("depends") or [], "sha256": sha256, "size": size}
    paths = sorted(installed, key=lambda one: one.entry.path)
    value = {
        **dict(sorted(package.items())),
        "fn": file_name,
        "url": f"file:///dockerflow/packages/{index.get('subdir', 'noarch')}/{file_name}",
        "channel": None,
        "requested_specs": [],
    }
    # What `json.dumps(…, indent=2)` makes of the whole.
    yield f"{_json(value)[:-2]},\n".encode()
    yield b'  "files": '
    yield from _list((one.entry.path for one in paths), "  ")
    yield f',\n  "paths_data": {{\n    "paths_version": {_json(contents.paths_version, "    ")},\n'.encode()
    yield b'    "paths": '
    yield from _list((_path(one) for one in paths), "    ")
    yield b"\n  }\n}"


def _list(values: Iterable[object], margin: str) -> Iterator[bytes]:
    before = "["
    for value in values:
        yield f"{before}\n{margin}  {_json(value, margin + '  ')}".encode()
        before = ","
    yield f"\n{margin}]".encode() if before == "," else b"[]"


def _json(value: object, margin: str = "") -> str:
    """As it stands `margin` from the left. A line's end in a text is `\\n` in JSON, so that none is moved here."""
    return _ENCODER.encode(value).replace("\n", f"\n{margin}")


def _path(one: Installed) -> dict[str, Any]:
    entry = one.entry
    value: dict[str, Any] = {"_path": entry.path, "path_type": one.path_type}
    if entry.no_link:
        value["no_link"] = True
    if entry.sha256 is not None:
        value["sha256"] = entry.sha256
    if one.sha256 is not None and one.sha256 != entry.sha256:
        value["sha256_in_prefix"] = one.sha256
    value["size_in_bytes"] = one.size
    if entry.placeholder is not None:
        value |= {"file_mode": entry.file_mode, "prefix_placeholder": entry.placeholder}
    return value
