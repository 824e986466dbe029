"""The code that a step container needs besides its image: one tar, the same bytes for the same files.

    dockerflow-runtime/dockerflow/…    the part of this package that is shipped into containers
    user-code/…                        the user's Python files: those in the flow file's folder and below; what else
                                       travels with them is said by the endings of its names
    given.json                         what the command line adds to the flow's file, see `flow.given`

A container has these two folders on its path and the one that holds them is never on it; nor are their names any that
can be imported. A folder `code/` was taken for the module `code` of the standard library, which `pdb` needs.

Not taken are hidden folders, caches, and virtual or conda environments. A link is taken as the file that it leads to if
that lies in the folder as well: a package must not carry away what lies elsewhere on the user's disk.
"""

from __future__ import annotations

import io
import os
import tarfile
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Dict, Iterable, Iterator, Mapping, Tuple, Union

from dockerflow.flow.given import NOTHING, Given
from dockerflow.store.errors import StoreError

# What of dockerflow runs in a container. Standard library only, Python 3.7.
SHIPPED = (
    "__init__.py",
    "errors.py",
    "exception.py",
    "lazy_dataclasses.py",
    "artifacts",
    "cards",
    "client",
    "flow",
    "runtime",
    "store",
)

# The parts. `runtime.bootstrap` knows their names too: it runs before there is anything to import.
OURS = "dockerflow-runtime"
USER = "user-code"
GIVEN = "given.json"

# More than this is data in Python's clothes, or a flow file in a folder that is no project.
LARGEST = 100 << 20

_OURS = Path(__file__).resolve().parent.parent

# A folder with one of these is an environment, not the user's code.
_ENVIRONMENTS = ("pyvenv.cfg", "conda-meta")


def pack(flow_file: Union[str, Path], given: Given = NOTHING, suffixes: Iterable[str] = ()) -> bytes:
    """The code package of a flow; `given` is what the command line adds to its file.

    Files whose names end in one of `suffixes` are taken as Python files are.
    Raises StoreError when a file cannot be read or all are too large together.
    """
    flow_path = Path(flow_file).absolute()
    files = {f"{USER}/{name}": path for name, path in _user_files(flow_path.parent, suffixes).items()}
    files[f"{USER}/{flow_path.name}"] = flow_path
    _check_size(files)
    contents = {GIVEN: given.to_json().encode(), **{name: _content(path) for name, path in files.items()}}
    return _archive(contents)


def renewed(data: bytes) -> bytes:
    """A code package with the same code of the user's and the runtime of this dockerflow: the very same bytes, where
    that is the one that made it. Raises StoreError for what is no code package."""
    kept = {name: content for name, content in _entries(data) if not name.startswith(f"{OURS}/")}
    return _archive(kept)


def _archive(users: Mapping[str, bytes]) -> bytes:
    contents = {**users, **{name: _content(path) for name, path in shipped_files().items()}}
    archive = b"".join(part for name, content in sorted(contents.items()) for part in _entry(name, content))
    return archive.ljust(-(-(len(archive) + 2 * tarfile.BLOCKSIZE) // tarfile.RECORDSIZE) * tarfile.RECORDSIZE, b"\0")


def _entry(name: str, content: bytes) -> Tuple[bytes, ...]:
    """Of a tar file. `TarFile.addfile` takes three times as long, and every run waits for this."""
    header = tarfile.TarInfo(name)  # its time, owner and mode are constants
    header.size = len(content)
    return header.tobuf(tarfile.PAX_FORMAT), content, bytes(-len(content) % tarfile.BLOCKSIZE)


def unpack(data: bytes, folder: Union[str, Path]) -> None:
    """Write a code package's files below `folder`. Raises StoreError if it holds anything but plain files inside."""
    root = Path(folder)
    for name, content in _entries(data):
        target = root / _inside(name)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        except OSError as error:
            raise StoreError(f"cannot unpack the code package to `{root}`: {error}") from error


def _entries(data: bytes) -> Iterator[Tuple[str, bytes]]:
    """The files of a code package with their contents."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for entry in archive:
                content = archive.extractfile(entry) if entry.isfile() else None
                if content is None:
                    raise StoreError(f"a code package holds files only, and `{entry.name}` is none")
                yield entry.name, content.read()
    except tarfile.TarError as error:
        raise StoreError(f"cannot unpack the code package: {error}") from error


def given(data: bytes) -> Given:
    """What the command line had added to the flow's file: nothing, where an older dockerflow made the package.

    Raises StoreError for what is no code package.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            content = archive.extractfile(GIVEN) if GIVEN in archive.getnames() else None
            return Given.from_json(content.read().decode()) if content is not None else NOTHING
    except (tarfile.TarError, KeyError, ValueError) as error:
        raise StoreError(f"cannot read `{GIVEN}` of the code package: {error}") from error


def user_files(data: bytes) -> Dict[str, bytes]:
    """The user's files of a code package, by their paths below the flow's folder. Raises StoreError."""
    begins = f"{USER}/"
    return {name[len(begins) :]: content for name, content in _entries(data) if name.startswith(begins)}


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise StoreError(f"the code package is not one of ours: `{name}` would be written outside its folder")
    return path


@lru_cache(maxsize=None)
def shipped_files() -> Mapping[str, Path]:
    """What of dockerflow is in every code package, by its path there."""
    found: Dict[str, Path] = {}
    for name in SHIPPED:
        place = _OURS / name
        for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
            found[f"{OURS}/dockerflow/{path.relative_to(_OURS).as_posix()}"] = path
    return found


def _user_files(folder: Path, suffixes: Iterable[str]) -> Dict[str, Path]:
    """The Python files in a folder and below, and those with these endings, by their paths from there."""
    real, endings = folder.resolve(), (".py", *suffixes)
    found = (path for path in _files_ending(folder, endings) if _is_within(path, real))
    return {path.relative_to(folder).as_posix(): path for path in found}


def _files_ending(folder: Path, endings: Tuple[str, ...]) -> Iterator[Path]:
    for place, folders, names in os.walk(str(folder)):
        folders[:] = [name for name in folders if _is_users(Path(place) / name)]
        yield from (Path(place) / name for name in names if name.endswith(endings))


def _is_users(folder: Path) -> bool:
    hidden = folder.name.startswith(".") or folder.name == "__pycache__"
    return not hidden and not any((folder / mark).exists() for mark in _ENVIRONMENTS)


def _is_within(path: Path, folder: Path) -> bool:
    """Whether this is a file of the folder, also when it is a link."""
    real = Path(os.path.realpath(str(path)))  # unlike `resolve` it takes links that lead in a circle
    return real.is_file() and folder in real.parents


def _check_size(files: Dict[str, Path]) -> None:
    sizes = {name: path.stat().st_size for name, path in files.items() if path.is_file()}
    if sum(sizes.values()) <= LARGEST:
        return
    largest = sorted(sizes, key=lambda name: sizes[name], reverse=True)[:5]
    shown = ", ".join(f"`{name.partition('/')[2]}` ({sizes[name] >> 20} MiB)" for name in largest)
    raise StoreError(
        f"the files of code below the flow's folder have {sum(sizes.values()) >> 20} MiB, more than "
        f"{LARGEST >> 20} MiB; the largest are {shown}",
        "give the flow a folder of its own: every .py file below it goes into the containers",
    )


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"cannot read `{path}` for the code package: {error.strerror}") from error
