"""Wheels made by hand, byte for byte the same every time; the counterpart of `made` for pip's packages.

A wheel is described by its files; METADATA, WHEEL and RECORD follow from them. Nothing of the product is used here but
the lock's value: what is under test must not help to make its own input.
"""

from __future__ import annotations

import base64
import hashlib
import io
import stat
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from dockerflow.environments.lock import LockedPackage


@dataclass(frozen=True)
class WheelEntry:
    content: bytes = b""
    mode: int = stat.S_IFREG | 0o644
    date: tuple[int, int, int, int, int, int] = (2020, 9, 13, 12, 26, 40)


def executable(content: bytes) -> WheelEntry:
    return WheelEntry(content, stat.S_IFREG | 0o755)


@dataclass(frozen=True)
class MadeWheel:
    """`files` are named as in the zip; those below `{data}/` go to the `.data` folder, `{info}/` to `.dist-info`."""

    name: str
    files: dict[str, WheelEntry]
    version: str = "1.0"
    tag: str = "py3-none-any"
    entry_points: str = ""
    depends: tuple[str, ...] = ()
    wheel_version: str = "1.0"
    hash_name: str = "sha256"
    record: dict[str, str] = field(default_factory=dict)  # what RECORD says instead: `""` leaves the file out
    left_out: tuple[str, ...] = ()  # metadata that is not there
    compression: int = zipfile.ZIP_DEFLATED

    @property
    def stem(self) -> str:
        return f"{self.name.replace('-', '_')}-{self.version}"

    @property
    def dist_info(self) -> str:
        return f"{self.stem}.dist-info"

    @property
    def file_name(self) -> str:
        return f"{self.stem}-{self.tag}.whl"

    def entries(self) -> dict[str, WheelEntry]:
        """Everything in the zip but RECORD, in order."""
        folders = {"info": self.dist_info, "data": f"{self.stem}.data"}
        files = {path.format(**folders): entry for path, entry in self.files.items()}
        metadata = f"Metadata-Version: 2.1\nName: {self.name}\nVersion: {self.version}\n"
        wheel = f"Wheel-Version: {self.wheel_version}\nGenerator: hand\nRoot-Is-Purelib: true\nTag: {self.tag}\n"
        info = {"METADATA": metadata, "WHEEL": wheel, "entry_points.txt": self.entry_points}
        described = {f"{self.dist_info}/{name}": WheelEntry(text.encode()) for name, text in info.items() if text}
        return {path: one for path, one in (files | described).items() if path.split("/")[-1] not in self.left_out}

    def write(self, folder: Path) -> Path:
        path = folder / self.file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        entries = self.entries()
        if "RECORD" not in self.left_out:
            entries[f"{self.dist_info}/RECORD"] = WheelEntry(self._record(entries))
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", self.compression) as archive:
            for name, entry in entries.items():
                info = zipfile.ZipInfo(name, entry.date)
                info.external_attr = entry.mode << 16
                info.compress_type = self.compression
                archive.writestr(info, entry.content)
        path.write_bytes(out.getvalue())
        return path

    def locked(self, folder: Path) -> LockedPackage:
        """The wheel, written into `folder`, as a lock has it."""
        path = self.write(folder)
        data = path.read_bytes()
        return LockedPackage(
            manager="pip", name=self.name.lower().replace("_", "-").replace(".", "-"), version=self.version, build="",
            url=path.as_uri(), sha256=hashlib.sha256(data).hexdigest(), md5=None, size=len(data),
            dependencies=tuple((name, "") for name in sorted(self.depends)),
        )  # fmt: skip

    def _record(self, entries: dict[str, WheelEntry]) -> bytes:
        rows = []
        for name, entry in entries.items():
            digest = base64.urlsafe_b64encode(hashlib.new(self.hash_name, entry.content).digest()).rstrip(b"=").decode()
            row = self.record.get(name, f"{self.hash_name}={digest},{len(entry.content)}")
            if row:
                quoted = f'"{name}"' if "," in name else name
                rows.append(f"{quoted},{row}\n")
        rows += [f"{name},{row}\n" for name, row in self.record.items() if row and name not in entries]
        return "".join([*rows, f"{self.dist_info}/RECORD,,\n"]).encode()
