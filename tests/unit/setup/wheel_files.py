"""Small wheels, written by hand: what a test says about one is all that is in it."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

from dockerflow.setup.wheels import Wheel


def write_wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    tag: str = "py3-none-any",
    metadata: str = "",
    files: Mapping[str, bytes | str] | None = None,
) -> Wheel:
    """A wheel of one module. `metadata` are further header lines, `files` further files by name."""
    module = name.replace("-", "_")
    path = folder / f"{module}-{version}-{tag}.whl"
    headers = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{metadata}\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{module}.py", f"version = {version!r}\n")
        archive.writestr(f"{module}-{version}.dist-info/METADATA", headers)
        for file, content in (files or {}).items():
            archive.writestr(file, content)
    return Wheel(path)
