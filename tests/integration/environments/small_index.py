"""A package index of wheels that hold nothing but their metadata, as a folder of pages (PEP 503)."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path


class SmallIndex:
    """`pages` is the index, `wheels` its archives, which are a folder of wheels too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pages, self.wheels = folder / "simple", folder / "archives"
        self.pages.mkdir(parents=True)
        self.wheels.mkdir()
        self.hashes = True

    @property
    def url(self) -> str:
        return self.pages.as_uri()

    def add(self, name: str, version: str, *requires: str, tag: str = "py3-none-any", python: str = "") -> Path:
        stem = f"{name.replace('-', '_')}-{version}"
        metadata = [
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}",
            *(f"Requires-Dist: {r}" for r in requires),
        ]
        extras = {r.split("extra == ")[1].strip("'\" ") for r in requires if "extra == " in r}
        metadata += [f"Provides-Extra: {extra}" for extra in sorted(extras)]
        metadata += [f"Requires-Python: {python}"] if python else []
        wheel = self.wheels / f"{stem}-{tag}.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(f"{stem}.dist-info/METADATA", "\n".join([*metadata, ""]))
            archive.writestr(f"{stem}.dist-info/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n")
            archive.writestr(f"{stem}.dist-info/RECORD", "")
        return wheel

    def add_source(self, name: str, version: str) -> None:
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
        entry = tarfile.TarInfo(f"{name}-{version}/PKG-INFO")
        entry.size = len(text)
        with tarfile.open(self.wheels / f"{name}-{version}.tar.gz", "w:gz") as archive:
            archive.addfile(entry, io.BytesIO(text))

    def index(self) -> SmallIndex:
        """Write the pages."""
        links: dict[str, list[str]] = {}
        for archive in sorted(self.wheels.iterdir()):
            name = archive.name.split("-")[0].replace("_", "-").lower()
            fragment = f"#sha256={hashlib.sha256(archive.read_bytes()).hexdigest()}" if self.hashes else ""
            link = f'<a href="../../archives/{archive.name}{fragment}">{archive.name}</a>'
            links.setdefault(name, []).append(link)
        for name, found in links.items():
            (self.pages / name).mkdir(exist_ok=True)
            page = f"<!DOCTYPE html><html><body>{'<br>'.join(found)}</body></html>"
            (self.pages / name / "index.html").write_text(page)
        return self
