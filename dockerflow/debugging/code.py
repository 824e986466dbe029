"""Where the flow's files of a session are on this machine: the user edits them there, and the session sees it.

By default the code that the run has recorded is unpacked into a new folder, which goes at the end unless something in
it was edited. In a folder that the user names it stays, and is found there again the next time. Or the user's own flow
is taken, where it lies.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from dockerflow.errors import DockerflowError
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store import code_package
from dockerflow.store.base import Store
from dockerflow.store.code_package import GIVEN, USER
from dockerflow.store.records import RunStarted


@dataclass(frozen=True)
class Code:
    """`beside` are the names in the folder that the package has and that are no code: they are in the task's folder,
    too; their names end in one of `suffixes`. `given` is what the command line of the run had added to the flow's
    file."""

    folder: Path
    flow_file: str
    given: bytes
    beside: tuple[str, ...]
    suffixes: tuple[str, ...] = ()


@contextmanager
def recorded(store: Store, started: RunStarted, tell: Callable[[str], None]) -> Iterator[Code]:
    """In a folder of its own until the end of the `with`, and longer where it was edited. Raises StoreError."""
    package = _Package(bytes(store.blobs.get(started.code)))
    folder = Path(tempfile.mkdtemp(prefix=f"{started.flow}-{started.run_id}-"))
    try:
        package.write(folder)
        folder.chmod(0o755)  # who looks into it in a container may be nobody
        yield package.at(folder, started.flow_file)
    finally:
        if package.is_edited(folder):
            with suppress(OSError):  # the terminal was closed
                tell(f"your edits are kept in `{folder}`")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def kept(store: Store, started: RunStarted, folder: Path) -> Code:
    """In a folder of the user's: unpacked where there is none, or an empty one. Raises StoreError, DockerflowError."""
    package = _Package(bytes(store.blobs.get(started.code)))
    folder = folder.absolute()
    try:
        if not folder.exists() or not any(folder.iterdir()):
            package.write(folder)
    except OSError as error:
        raise DockerflowError(f"the code cannot be unpacked to `{folder}`: {error.strerror}") from error
    if not (folder / started.flow_file).is_file():
        message = f"`{folder}` is not empty, and has no `{started.flow_file}`: it is no folder for this run's code"
        raise DockerflowError(message, "name another folder with `--code`")
    return package.at(folder, started.flow_file)


def own(store: Store, started: RunStarted, file: Path) -> Code:
    """The user's own flow. Raises StoreError, DockerflowError."""
    if not file.is_file():
        raise DockerflowError(
            f"flow file `{file}` {'is no file' if file.exists() else 'does not exist'}",
            "leave `--file` out for the code that the run had",
        )
    package = _Package(bytes(store.blobs.get(started.code)))
    return package.at(file.absolute().parent, file.name)


class _Package:
    """The user's files of a code package, by their paths below the flow's folder."""

    def __init__(self, package: bytes) -> None:
        self._files: dict[str, bytes] = {}
        self._given = b""
        with tempfile.TemporaryDirectory() as place:
            code_package.unpack(package, place)  # which looks at the names
            root = Path(place)
            for path in sorted((root / USER).rglob("*")):
                if path.is_file():
                    self._files[path.relative_to(root / USER).as_posix()] = path.read_bytes()
            if (root / GIVEN).is_file():
                self._given = (root / GIVEN).read_bytes()
        self._given = self._given or code_package.given(package).to_json().encode()

    def write(self, folder: Path) -> None:
        for name, content in self._files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)

    def at(self, folder: Path, flow_file: str) -> Code:
        others = [name for name in self._files if not name.endswith(".py")]
        beside = {name.partition("/")[0] for name in others}
        suffixes = {PurePosixPath(name).suffix or name for name in others}
        return Code(folder, flow_file, self._given, tuple(sorted(beside)), tuple(sorted(suffixes)))

    def is_edited(self, folder: Path) -> bool:
        there = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if _is_users(path)}
        if there.keys() != self._files.keys():
            return True
        return any(path.read_bytes() != self._files[name] for name, path in there.items())


def _is_users(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


def archive(code: Code, below: str) -> Iterator[tuple[str, bytes]]:
    """The files that a code package of the folder would have, for an engine that sees no folder of this machine.
    Raises StoreError as for a run: where they cannot be read, or are too large together."""
    package = code_package.pack(code.folder / code.flow_file, suffixes=code.suffixes)
    for name, content in code_package.user_files(package).items():
        yield f"{below}/{name}", content
