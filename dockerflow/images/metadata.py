"""What a conda package says of itself, and where its files go in an environment.

The rules are those of conda's installers: `paths.json` (or, in old packages, `files`, `has_prefix` and `no_link`) lists
the files; a `noarch: python` package has its modules under `site-packages/`, its scripts under `python-scripts/` and
its entry points in `link.json`. Sources: https://docs.conda.io/projects/conda-build/en/stable/resources/package-spec.html,
CEP 17 (https://conda.org/learn/ceps/cep-0017) for `python_site_packages_path`.

Everything that could put a file outside the prefix is refused here.
"""

from __future__ import annotations

import json
import posixpath
import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dockerflow.images.archive import CondaArchive
from dockerflow.images.errors import PackageError
from dockerflow.images.links import leads_out
from dockerflow.images.tar import WHITEOUT

# conda-build's placeholder before it became long; `has_prefix` lines that name no placeholder mean this one.
# It is put together so that this file does not itself contain it.
_OLD_PLACEHOLDER = "/opt/anaconda1anaconda2" + "anaconda3"

# Where a noarch Python package has what goes to the Python's own folders.
_MODULES, _SCRIPTS = "site-packages/", "python-scripts/"


@dataclass(frozen=True)
class Python:
    """The Python of an environment, as far as other packages' files depend on it. Paths are below the prefix."""

    version: str  # `3.11`
    site_packages: str  # `lib/python3.11/site-packages`

    @property
    def executable(self) -> str:
        return f"bin/python{self.version}"

    @property
    def headers(self) -> str:
        """`include/python3.11`: where wheels' headers go, each package's in a folder of its own.

        A free-threaded Python has its own folder, as for its modules, and one before 3.8 has the ABI's `m` in it.
        """
        name = posixpath.basename(posixpath.dirname(self.site_packages))
        return f"include/{name}m" if self.version in ("3.5", "3.6", "3.7") else f"include/{name}"

    @classmethod
    def of(cls, index: dict[str, Any]) -> Python:
        """From the `index.json` of the package `python`."""
        version = ".".join(str(index["version"]).split(".")[:2])
        return cls(version, index.get("python_site_packages_path") or f"lib/python{version}/site-packages")


@dataclass(frozen=True, slots=True)  # a package has a hundred thousand of them
class PathEntry:
    """One path that the package installs: `source` in the archive, `path` below the prefix."""

    source: str
    path: str
    path_type: Literal["hardlink", "softlink", "directory"]
    no_link: bool = False
    placeholder: str | None = None
    file_mode: Literal["text", "binary"] | None = None
    sha256: str | None = None
    size: int | None = None


@dataclass(frozen=True)
class EntryPoint:
    """A command that calls a Python function: `command = module:function`."""

    command: str
    module: str
    function: str


@dataclass(frozen=True)
class PackageContents:
    index: dict[str, Any]
    paths_version: int
    entries: tuple[PathEntry, ...]
    entry_points: tuple[EntryPoint, ...]


def contents(archive: CondaArchive, python: Python | None) -> PackageContents:
    """Read and check the metadata; raises `PackageError` for what cannot be installed safely."""
    try:
        info = archive.info()
        index, version, listed = _read(archive, info)
        noarch_python = index.get("noarch") == "python"
        if noarch_python and python is None:
            raise _refused(archive, "it is a noarch Python package, and the environment has no Python", None)
        entries = tuple(_entry(archive, raw, python if noarch_python else None) for raw in _consumed(listed))
        points = _entry_points(archive, info) if noarch_python else ()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise archive.malformed(f"its metadata is not what the format says ({error!r})") from error
    _check_no_link_scripts(archive, index["name"], entries)
    _check_each_path_once(archive, entries, points)
    return PackageContents(index, version, entries, points)


def files(archive: CondaArchive) -> tuple[dict[str, Any], tuple[str, ...]]:
    """`index.json` and what the package installs, as `place` takes it; a folder has a `/` at its end."""
    try:
        info = archive.info()
        index, _, listed = _read(archive, info)
        points = _entry_points(archive, info) if index.get("noarch") == "python" else ()
        found = [_text(raw["_path"]) + ("/" if raw["path_type"] == "directory" else "") for raw in _consumed(listed)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise archive.malformed(f"its metadata is not what the format says ({error!r})") from error
    return index, (*found, *(f"{_SCRIPTS}{point.command}" for point in points))


def place(source: str, python: Python | None) -> str:
    """Where a file of a package goes below the prefix; `python` is given for noarch Python packages only."""
    if python is not None:
        for folder, target in ((_MODULES, python.site_packages), (_SCRIPTS, "bin")):
            if source.startswith(folder):
                return f"{target}/{source[len(folder) :]}"
    return source


def _read(archive: CondaArchive, info: dict[str, bytes]) -> tuple[dict[str, Any], int, list[dict[str, Any]]]:
    """Takes `paths.json` out of `info`: it may be large."""
    index = json.loads(info["info/index.json"])
    _check_index(archive, index)
    if "info/paths.json" in info:
        paths = json.loads(info.pop("info/paths.json"))
        return index, paths["paths_version"], paths["paths"]
    return index, 1, _paths_of_old_package(info)


def _text(path: str) -> str:
    """The path. Raises ValueError for half of a surrogate pair, which JSON can say and no file can be called."""
    path.encode()
    return path


def _consumed(listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What is listed, in order; each is let go as the next one is asked for."""
    listed.reverse()
    while listed:
        yield listed.pop()


def _check_index(archive: CondaArchive, index: dict[str, Any]) -> None:
    """What becomes part of paths must not lead elsewhere. Raises ValueError, KeyError or TypeError."""
    for key in ("name", "version", "build"):
        if not index[key] or "/" in index[key] or "\0" in index[key]:
            raise ValueError(f"`{key}` is `{index[key]}`")
        index[key].encode()
    if index.get("python_site_packages_path"):
        _checked(archive, index["python_site_packages_path"])


def _entry(archive: CondaArchive, raw: dict[str, Any], python: Python | None) -> PathEntry:
    source = raw["_path"]
    placeholder = raw.get("prefix_placeholder") or None
    if placeholder is not None:
        placeholder.encode()
    return PathEntry(
        source=source,
        path=_checked(archive, place(source, python)),
        path_type=_shared(raw["path_type"]),
        no_link=bool(raw.get("no_link")),
        placeholder=_shared(placeholder),
        file_mode=_shared(raw.get("file_mode", "text")) if placeholder else None,
        sha256=raw.get("sha256"),
        size=raw.get("size_in_bytes"),
    )


def _shared(text: Any) -> Any:
    """One object for equal texts: all files of a package have the same placeholder, of 255 characters as a rule."""
    return sys.intern(text) if type(text) is str else text


def _checked(archive: CondaArchive, path: str) -> str:
    clean = posixpath.normpath(path) == path and "\0" not in path
    if not clean or posixpath.isabs(path) or path.split("/", 1)[0] in ("..", "."):
        raise _refused(archive, f"its file `{path}` would be outside the environment", None)
    if any(part.startswith(WHITEOUT) for part in path.split("/")):
        raise _refused(archive, f"its file `{path}` would remove another in an image: what begins so does that", None)
    if posixpath.dirname(path) == "conda-meta" and path.endswith(".json"):
        raise _refused(archive, f"its file `{path}` would pass for the record of an installed package", None)
    path.encode()  # a name that is no text is an UnicodeEncodeError
    return path


def check_links(archive: CondaArchive, links: Mapping[str, str], paths: Iterable[str], prefix: str) -> None:
    """Refuse symbolic links (targets by path below the prefix) that lead out of it. `paths` are the package's, all."""
    folders = {parent for path in paths for parent in _parents(path)}
    for path, target in links.items():
        if leads_out(path, links, folders, prefix):
            raise _refused(archive, f"its link `{path}` leads out of the environment, to `{target}`", None)


def _check_no_link_scripts(archive: CondaArchive, name: str, entries: tuple[PathEntry, ...]) -> None:
    scripts = {f"bin/.{name}-{when}-link.sh" for when in ("pre", "post")}
    found = next((entry.path for entry in entries if entry.path in scripts), None)
    if found is not None:
        raise _refused(
            archive,
            f"it would run its own script `{found}` at installation, which can make the image differ from its lock",
            "use a version or build of it without that script, or a step image of your own that has it installed",
        )


def _check_each_path_once(
    archive: CondaArchive, entries: tuple[PathEntry, ...], points: tuple[EntryPoint, ...]
) -> None:
    """No path twice, and none through a link: what a link leads to is decided by whoever made the link. A file may turn
    out to be a link, whatever is said of it.
    """
    paths = [entry.path for entry in entries] + [f"bin/{point.command}" for point in points]
    twice = next((path for path, count in Counter(paths).items() if count > 1), None)
    if twice is not None:
        raise archive.malformed(f"it lists the file `{twice}` twice")
    files = {entry.path for entry in entries if entry.path_type != "directory"}
    through = next((path for path in paths if any(parent in files for parent in _parents(path))), None)
    if through is not None:
        raise _refused(archive, f"its file `{through}` goes through one of its links or files", None)


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def _entry_points(archive: CondaArchive, info: Mapping[str, bytes]) -> tuple[EntryPoint, ...]:
    raw = info.get("info/link.json")
    listed = json.loads(raw).get("noarch", {}).get("entry_points") or () if raw else ()
    return tuple(_entry_point(archive, text) for text in listed)


def _entry_point(archive: CondaArchive, text: str) -> EntryPoint:
    command, equals, call = text.partition("=")
    module, colon, function = call.partition(":")
    if not equals or not colon:
        raise archive.malformed(f"its entry point `{text}` is not `command = module:function`")
    command = _text(command.strip())
    if "/" in command:
        raise _refused(archive, f"its entry point `{command}` would be outside `bin`", None)
    return EntryPoint(command, module.strip(), function.strip())


def _paths_of_old_package(info: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """What `paths.json` would say of a package from before there was one."""
    no_link = set(_lines(info, "info/no_link"))
    prefixes = dict(_has_prefix(line) for line in _lines(info, "info/has_prefix"))
    result = []
    for path in _lines(info, "info/files"):
        entry: dict[str, Any] = {"_path": path, "path_type": "hardlink", "no_link": path in no_link}
        if path in prefixes:
            entry["prefix_placeholder"], entry["file_mode"] = prefixes[path]
        result.append(entry)
    return result


def _has_prefix(line: str) -> tuple[str, tuple[str, str]]:
    parts = shlex.split(line)
    if len(parts) == 1:
        return parts[0], (_OLD_PLACEHOLDER, "text")
    placeholder, mode, path = parts
    return path, (placeholder, mode)


def _lines(info: Mapping[str, bytes], name: str) -> list[str]:
    return [line for line in info.get(name, b"").decode().splitlines() if line.strip()]


def _refused(archive: CondaArchive, reason: str, hint: str | None) -> PackageError:
    return PackageError(
        f"package `{archive.name}` is refused: {reason}",
        hint=hint or "choose another version or build of it; a package from a trusted channel does not do this",
    )
