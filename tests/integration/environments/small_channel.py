"""A conda channel of packages that have metadata and no files: enough to solve against, made in milliseconds."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

from conda_package_streaming.create import conda_builder
from rattler.index import index_fs

from dockerflow.environments import event_loop
from dockerflow.environments.spec import EnvironmentSpec


class SmallChannel:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "noarch").mkdir(parents=True)

    @property
    def url(self) -> str:
        return self.folder.as_uri()

    def add(
        self, name: str, version: str, *depends: str, build: str = "0", subdir: str = "linux-64", suffix: str = ".conda"
    ) -> None:
        stem, folder = f"{name}-{version}-{build}", self.folder / subdir
        folder.mkdir(exist_ok=True)
        index = {
            "name": name,
            "version": version,
            "build": build,
            "build_number": 0,
            "depends": depends,
            "subdir": subdir,
            **({"noarch": "generic"} if subdir == "noarch" else {}),
        }
        files = {"info/index.json": index, "info/paths.json": {"paths": [], "paths_version": 1}}
        if suffix == ".conda":
            with conda_builder(stem, folder, compression_level=1) as archive:
                _fill(archive, files)
        else:
            with tarfile.open(folder / f"{stem}.tar.bz2", "w:bz2") as archive:
                _fill(archive, files)

    def index(self) -> SmallChannel:
        event_loop.run(index_fs(self.folder))
        return self

    def spec(self, python: str = "3.11", **libraries: str) -> EnvironmentSpec:
        """A spec on this channel alone; an underscore in a name stands for a hyphen."""
        named = tuple((name.replace("_", "-"), version) for name, version in libraries.items())
        return EnvironmentSpec(python, named, (self.url,), "linux-64")


def _fill(archive: tarfile.TarFile, files: dict[str, object]) -> None:
    for name, content in files.items():
        data = json.dumps(content).encode()
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
