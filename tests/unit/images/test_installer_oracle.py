"""Our layers against py-rattler's own installer, which we did not write: same files, bytes, modes and links.

What is allowed to differ, and why:
- `CACHEDIR.TAG` and `__clobbers__/`: for backup programs, and for uninstalling; an image needs neither;
- `conda-meta/*.json`: `url`, `extracted_package_dir` and `link` say where the archive was on this machine. An image
  is a function of the packages' contents, so ours has a URL made of the package's name, and lacks the two others;
- the mode of `conda-meta/*.json`: the installer's are for the owner alone, but a step's user is not the owner;
- modes: for everyone what the owner may read or run, for the same reason;
- times: the installer leaves directories, entry points and records with the time of installation;
- a `#!` line that is no UTF-8: the installer puts a replacement character for what it cannot read, we keep the bytes.
"""

from __future__ import annotations

import asyncio
import io
import json
import stat
import tarfile
from pathlib import Path
from typing import Any

import pytest
import rattler
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dockerflow.environments.lock import Lock
from dockerflow.images.clashes import lost_paths
from dockerflow.images.facts import FactsCache
from dockerflow.images.layer import Package, write_layer
from dockerflow.images.metadata import Python
from dockerflow.images.packages import PackageCache
from dockerflow.images.tar import LayerWriter
from tests.unit.images.made import PLACEHOLDER, Directory, Entry, File, HardLink, Made, SymLink, lock_of

PREFIX = "/opt/env"
BUILT_AT = PLACEHOLDER.encode()

PYTHON = Made(
    "python",
    {
        "bin/python3.11": File(
            b"\x7fELF" + BUILT_AT + b"/lib\0:" + BUILT_AT + b":" + BUILT_AT + b"\0\1tail", 0o755, "binary"
        ),
        "bin/python": SymLink("python3.11"),
        "lib/python3.11/os.py": File(b"sep = '/'\n"),
        "lib/python3.11/__pycache__/os.cpython-311.pyc": File(b"a .pyc that came with it"),
        "lib/python3.11/config.py": File(b"prefix = '" + BUILT_AT + b"'\n", prefix="text"),
    },
    version="3.11.4",
    build="h1_cpython",
)
NATIVE = Made(
    "native",
    {
        "bin/tool": File(b"#!" + BUILT_AT + b"/bin/python -E\nprint('" + BUILT_AT + b"')\n", 0o775, "text"),
        "bin/own-shebang": File(b"#!/bin/sh\n", 0o755),
        "etc/conda/activate.d/native.sh": File(b"export NATIVE=" + BUILT_AT + b"\n", prefix="text"),
        "etc/private": File(b"x", 0o600),
        "lib/set-id": File(b"x", 0o4755),
        "lib/run-only": File(b"x", 0o711),
        "lib/libz.so.1": File(b"\0" * 3000 + BUILT_AT + b"/share\0end", 0o755, "binary"),
        "lib/libz.so": SymLink("libz.so.1"),
        "lib/deep/up": SymLink("../libz.so.1"),
        "lib/again.so": HardLink("lib/libz.so.1"),
        "lib/plain": File(b"plain"),
        "lib/plain2": HardLink("lib/plain"),
        "share/a name with spaces and ümläuts": File("ü".encode()),
        "share/" + "long/" * 30 + "name": File(b"deep"),
        "share/empty": File(),
    },
    depends=("python >=3",),
    index={"track_features": "", "constrains": ["other >=2"], "license_family": "MIT"},
)
PURE = Made(
    "pure",
    {
        "site-packages/pure/__init__.py": File(b"def main(): pass\n"),
        "site-packages/pure/data.txt": File(BUILT_AT, prefix="text"),
        "python-scripts/pure-script": File(b"#!" + BUILT_AT + b"/bin/python\n", 0o755, "text"),
        "etc/pure.conf": File(b"x"),
    },
    noarch="python",
    entry_points=("pure-cmd = pure:main", "pure-cls=pure.sub:Class.method"),
    depends=("python >=3",),
)


@pytest.mark.parametrize("archive_format", ["conda", "tar.bz2"])
def test_a_layer_has_what_the_installer_puts_at_the_same_prefix(tmp_path: Path, archive_format: str) -> None:
    packages = [Made(**{**vars(made), "format": archive_format}) for made in (PYTHON, NATIVE, PURE)]
    check_against_installer(tmp_path, packages)


def test_an_archive_with_its_metadata_last_gives_the_same_files(tmp_path: Path) -> None:
    check_against_installer(tmp_path, [PYTHON, Made(**{**vars(PURE), "format": "tar.bz2", "info_first": False})])


def test_a_package_from_before_paths_json_gives_the_same_files(tmp_path: Path) -> None:
    files: dict[str, Entry] = {
        path: entry for path, entry in NATIVE.files.items() if isinstance(entry, File) and " " not in path
    }
    check_against_installer(tmp_path, [Made("old", files, format="tar.bz2", paths_json=False)])


def test_a_python_with_its_own_site_packages_path_gets_the_files_there(tmp_path: Path) -> None:
    index = {"python_site_packages_path": "lib/python3.13t/site-packages"}
    free_threaded = Made("python", {"bin/python3.13": File(b"x", 0o755)}, version="3.13.1", index=index)
    found = check_against_installer(tmp_path, [free_threaded, PURE])
    assert "lib/python3.13t/site-packages/pure/__init__.py" in found


def test_an_old_python_gets_the_files_in_its_own_folders(tmp_path: Path) -> None:
    found = check_against_installer(tmp_path, [Made("python", {"bin/python3.7": File()}, version="3.7.4"), PURE])
    assert "lib/python3.7/site-packages/pure/__init__.py" in found
    assert found["bin/pure-cmd"][2].startswith(b"#!/opt/env/bin/python3.7\n")


@pytest.mark.parametrize(
    "needs",
    [{}, {"a": ("b",)}, {"b": ("a",)}, {"c": ("a",)}, {"a": ("c",)}, {"a": ("d",)}, {"a": ("b",), "b": ("c",)}],
)
def test_a_file_of_two_packages_is_of_the_one_that_the_installer_takes(
    tmp_path: Path, needs: dict[str, tuple[str, ...]]
) -> None:
    packages = [Made(name, {"etc/file": File(name.encode())}, depends=needs.get(name, ())) for name in "abc"]
    check_against_installer(tmp_path, [*packages, Made("d", {"etc/d": File()})], records=False)


_names = st.sampled_from(["a", "b", "lib/a", "lib/b", "share/x/y", "bin/z", "site-packages/m.py", "python-scripts/s"])
_pieces = st.lists(st.sampled_from([b"x", b"\0", b"\n", b"#!/", BUILT_AT, BUILT_AT[:40], b"/bin", b"\xff"]), max_size=8)
_files = st.builds(
    lambda pieces, mode, prefix: File(b"".join(pieces), mode, prefix if BUILT_AT in b"".join(pieces) else None),
    _pieces,
    st.sampled_from([0o644, 0o755, 0o600, 0o2775, 0o444]),
    st.sampled_from(["text", "binary"]),
).filter(lambda file: not file.content.startswith(b"#!") or _is_utf8(file.content.partition(b"\n")[0]))


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.dictionaries(_names, _files, max_size=6),
    archive_format=st.sampled_from(["conda", "tar.bz2"]),
    noarch=st.sampled_from([None, "python", "generic"]),
)
def test_any_package_is_as_the_installer_leaves_it(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, File], archive_format: str, noarch: str | None
) -> None:
    made = Made("any", dict(files), format=archive_format, noarch=noarch)
    check_against_installer(tmp_path_factory.mktemp("any"), [PYTHON, made])


Found = dict[str, tuple[str, int, bytes]]  # type, mode, content or target


def check_against_installer(folder: Path, packages: list[Made], records: bool = True) -> Found:
    lock = lock_of(folder / "channel", packages)
    ours, theirs = _ours(folder, lock), _theirs(folder, lock)
    for path in [path for path in ours if path.startswith("conda-meta/") and path.endswith(".json")]:
        mine, installers = ours.pop(path), theirs.pop(path)
        if records:
            assert _comparable(mine[2]) == _comparable(installers[2]), path
    assert ours == theirs
    return ours


def _ours(folder: Path, lock: Lock) -> Found:
    facts = FactsCache(folder / "facts")
    known = {package: facts.of(package, PackageCache(folder).fetch) for package in lock.packages}
    python = next((Python(one.python.version, one.python.site_packages) for one in known.values() if one.python), None)
    lost = lost_paths(lock, {package: one.paths(python) for package, one in known.items()})
    out = io.BytesIO()
    packages = [Package(one, PackageCache(folder).fetch(one), lost[one]) for one in lock.packages]
    write_layer(LayerWriter(out), packages, PREFIX, python)
    found: Found = {}
    out.seek(0)
    with tarfile.open(fileobj=out) as tar:
        for member in tar:
            path = member.name.removeprefix("opt/env").lstrip("/")
            assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")
            assert path not in found, "a path twice in one layer"
            if member.issym():
                found[path] = ("link", 0o777, member.linkname.encode())
            elif member.isdir():
                found[path] = ("folder", member.mode, b"")
            else:
                content = tar.extractfile(member)
                assert content is not None
                found[path] = ("file", member.mode, content.read())
    return {path: one for path, one in found.items() if path not in ("", "opt")}


def _theirs(folder: Path, lock: Lock) -> Found:
    root = folder / "installed"
    asyncio.run(_install(lock, root, folder / "cache"))
    found: Found = {}
    for file in sorted(root.rglob("*")):
        path = str(file.relative_to(root))
        if path in ("CACHEDIR.TAG", "conda-meta/history") or path.startswith("__clobbers__"):
            continue
        mode = stat.S_IMODE(file.lstat().st_mode)
        if file.is_symlink():
            found[path] = ("link", 0o777, str(file.readlink()).encode())
        elif file.is_dir():
            found[path] = ("folder", mode, b"")
        else:
            found[path] = ("file", mode | (mode & 0o500) >> 3 | (mode & 0o500) >> 6, file.read_bytes())
    return found


async def _install(lock: Lock, root: Path, cache: Path) -> None:
    paths = [Path(package.url.removeprefix("file://")) for package in lock.packages]
    records = [await rattler.RepoDataRecord.from_package_archive(path) for path in paths]
    await rattler.install(
        records, target_prefix=root, cache_dir=cache, show_progress=False, alternative_target_prefix=PREFIX
    )


def _comparable(record: bytes) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(record)
    return {key: item for key, item in value.items() if key not in ("url", "extracted_package_dir", "link")}


def test_an_empty_folder_that_a_package_lists_is_there(tmp_path: Path) -> None:
    """Not against the installer: py-rattler refuses a package with such a folder."""
    files: dict[str, Entry] = {"share/empty": Directory()}
    assert _ours(tmp_path, lock_of(tmp_path, [Made("folders", files)]))["share/empty"] == ("folder", 0o755, b"")
