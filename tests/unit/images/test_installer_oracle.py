"""Our layers against py-rattler's own installer: one package for each feature of the format. See `oracle`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.images.made import PLACEHOLDER, Directory, Entry, File, HardLink, Made, SymLink, lock_of
from tests.unit.images.oracle import check, check_against_installer, installed_at_the_prefix, union_of_layers
from tests.unit.images.test_builder import build

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


ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
WIDE = Made(
    "wide",
    {
        **{
            f"lib/{encoding}.{kind}": File(
                b"some" + f"{PLACEHOLDER}/lib\0{PLACEHOLDER}:{PLACEHOLDER}\0end".encode(encoding), 0o644, kind
            )
            for encoding in ENCODINGS
            for kind in ("text", "binary")
        },
        "lib/all-in-one.so": File(
            b"\0" * 4 + b"\0\0\0\0".join(f"{PLACEHOLDER}/{one}".encode(one) for one in ENCODINGS), 0o755, "binary"
        ),
        "lib/a-string-without-an-end": File(b"xxx" + f"{PLACEHOLDER}/lib".encode("utf-16-le"), 0o644, "binary"),
        "lib/a-string-that-lies-oddly": File(b"x" + f"{PLACEHOLDER}/l\0".encode("utf-16-le"), 0o644, "binary"),
        "bin/script": File(
            b"#!" + BUILT_AT + b"/bin/python -E\r\n" + f"{PLACEHOLDER}\n".encode("utf-16-le"), 0o755, "text"
        ),
        "bin/long-options": File(b"#!" + BUILT_AT + b"/bin/python3 " + b"-O " * 50 + b"\n", 0o755, "text"),
        "bin/long-other": File(b"#! " + BUILT_AT + b"/bin/perl " + b"-w " * 50, 0o755, "text"),
    },
)
OTHER = Made(
    "other",
    {
        **{f"lib/mode-{mode:o}": File(b"x", mode) for mode in (0o400, 0o444, 0o555, 0o666, 0o711, 0o777, 0o7755)},
        **{
            f"share/{name}": File(name.encode())
            for name in (
                "two\nlines",
                "back\\slash",
                "tab\t",
                "e\u0301",
                " between ",
                "%41",
                "*?",
                "-rf",
                ".hidden",
                "...",
            )
        },
        "share/" + "n" * 255: File(b"a long name"),
        "lib/folder/file": File(b"in it"),
        "lib/second-name": HardLink("lib/folder/file"),
        "lib/third-name": HardLink("lib/second-name"),
        "lib/link-to-folder": SymLink("folder"),
        "lib/link-to-nothing": SymLink("not-there"),
        "lib/link-to-link": SymLink("link-to-folder"),
        "lib/link-in-a-circle": SymLink("link-in-a-circle"),
        "lib/link-by-full-path": SymLink("/opt/env/lib/folder/file"),
        "etc/conda/deactivate.d/other.sh": File(b"unset OTHER\n"),
        "conda-meta/pinned": File(b"other ==1.0\n"),
        "lib/python3.11/site-packages/other.py": File(b"x = 1\n"),
        "lib/python3.11/site-packages/__pycache__/other.cpython-311.pyc": File(b"bytecode"),
        "site-packages/not-python.py": File(b"a generic package has no such folder"),
    },
    noarch="generic",
)


@pytest.mark.parametrize("archive_format", ["conda", "tar.bz2"])
def test_a_layer_has_what_the_installer_puts_at_the_same_prefix(tmp_path: Path, archive_format: str) -> None:
    packages = [replace(made, format=archive_format) for made in (PYTHON, NATIVE, PURE, WIDE, OTHER)]
    check_against_installer(tmp_path, packages)


def test_an_archive_with_its_metadata_last_gives_the_same_files(tmp_path: Path) -> None:
    check_against_installer(tmp_path, [PYTHON, replace(PURE, format="tar.bz2", info_first=False)])


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
    assert found["bin/pure-cmd"][3].startswith(b"#!/opt/env/bin/python3.7\n")


@pytest.mark.parametrize(
    "needs",
    [{}, {"a": ("b",)}, {"b": ("a",)}, {"c": ("a",)}, {"a": ("c",)}, {"a": ("d",)}, {"a": ("b",), "b": ("c",)}],
)
def test_a_file_of_two_packages_is_of_the_one_that_the_installer_takes(
    tmp_path: Path, needs: dict[str, tuple[str, ...]]
) -> None:
    packages = [Made(name, {"etc/file": File(name.encode())}, depends=needs.get(name, ())) for name in "abc"]
    check_against_installer(tmp_path, [*packages, Made("d", {"etc/d": File()})])


def test_the_installer_at_the_very_prefix_puts_the_same(tmp_path: Path) -> None:
    """Elsewhere it is told of the prefix; here its files lie at `/opt/env`."""
    packages = [PYTHON, NATIVE, PURE]
    lock = lock_of(tmp_path / "channel", packages)
    theirs = installed_at_the_prefix(tmp_path, lock)
    check(union_of_layers(build(tmp_path / "images", lock).image), theirs, packages)


def test_an_empty_folder_that_a_package_lists_is_there(tmp_path: Path) -> None:
    """Not against the installer: py-rattler refuses a package with such a folder."""
    files: dict[str, Entry] = {"share/empty": Directory()}
    found = union_of_layers(build(tmp_path, lock_of(tmp_path, [Made("folders", files)])).image)
    assert found["share/empty"] == ("folder", 0o755, 0, b"")
