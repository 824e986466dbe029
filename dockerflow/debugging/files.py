"""What a session is given besides the flow's files: our modules, the task, the program, and where everything is.

In a container it is unpacked into the volume that the tasks of a step work in, by the engine: so it gets to an engine
of another machine as well, and nothing of it is in `docker inspect`.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath

from dockerflow.debugging import beginning, notebook, program
from dockerflow.debugging.code import Code
from dockerflow.debugging.jupyter import TOKEN
from dockerflow.debugging.subject import Subject, Wanted
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.runtime.messages import to_json
from dockerflow.store import code_package
from dockerflow.store.code_package import OURS

SESSION, PROGRAM, BEGINNING = "session.json", "dockerflow_session.py", "dockerflow_debug.py"
NOTEBOOK = "dockerflow_jupyter.py"


@dataclass(frozen=True)
class Place:
    """Where things are, as the session sees them. `work` is a folder that it may write to; `blobs` is None where they
    are in a bucket."""

    session: PurePath
    work: PurePath
    code: PurePath
    blobs: PurePath | None

    @property
    def program(self) -> str:
        return str(self.session / BEGINNING)

    @property
    def told(self) -> str:
        return str(self.session / SESSION)


def session_files(subject: Subject, wanted: Wanted, code: Code, place: Place) -> dict[str, bytes]:
    """By their paths below the session's folder."""
    told = {
        "ours": str(place.session / OURS),
        "code": str(place.code),
        "files": str(code.folder),
        "flow_file": code.flow_file,
        "flow_name": subject.started.flow,
        "given": str(place.session / "given.json"),
        "task": str(place.session / "task.json"),
        "variables": str(place.session / "variables.json") if _variables(wanted) else "",
        "manifest": subject.manifest,
        "beside": code.beside,
        "blobs": "" if place.blobs is None else str(place.blobs),
        "outbox": str(place.work / "outbox"),
        "broker": str(place.work / "broker"),
        "folder": str(place.work / "task"),
        "run": wanted.run,
        "jupyter": wanted.jupyter.told if wanted.jupyter else None,
    }
    files = {
        SESSION: json.dumps(told).encode(),
        PROGRAM: Path(program.__file__).read_bytes(),
        BEGINNING: Path(beginning.__file__).read_bytes(),
        NOTEBOOK: Path(notebook.__file__).read_bytes(),
        "given.json": code.given,
        "task.json": to_json(subject.request).encode(),
        **{name: path.read_bytes() for name, path in code_package.shipped_files().items()},
    }
    variables = _variables(wanted)
    return {**files, "variables.json": json.dumps(variables).encode()} if variables else files


def _variables(wanted: Wanted) -> dict[str, str]:
    return {**wanted.variables, **({TOKEN: wanted.jupyter.token} if wanted.jupyter else {})}


def packed(files: Mapping[str, bytes], folders: Iterable[tuple[str, int]], owner: str) -> bytes:
    """A tar of files, and before them folders with their modes, all of them the owner's (`uid:gid`)."""
    uid, _, gid = owner.partition(":")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, mode in folders:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, mode, int(uid), int(gid or uid)
            archive.addfile(entry)
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            private = name.endswith("variables.json")
            entry.size, entry.mode, entry.uid, entry.gid = len(content), 0o600 if private else 0o644, int(uid), int(gid)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
