"""What is written as a `.conda` file; read back by a library that we did not write."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from conda_package_streaming.extract import extract
from conda_package_streaming.package_streaming import stream_conda_component

from dockerflow.setup.archive import PLACEHOLDER, CondaPackage, PackageFile, write

PACKAGE = CondaPackage(
    name="one",
    version="1.0",
    build="py_0",
    subdir="noarch",
    depends=("python >=3.8",),
    files=(
        PackageFile("site-packages/one.py", b"1\n"),
        PackageFile("bin/one", f"#!{PLACEHOLDER}/bin/python\n".encode(), executable=True, placeholder=PLACEHOLDER),
        PackageFile("bin/uno", link="one"),
    ),
    entry_points=("eins = one:main",),
)


def extracted(package: CondaPackage, folder: Path) -> Path:
    target = folder / "extracted"
    extract(str(write(package, folder)), str(target))
    return target


def test_the_file_is_where_a_channel_has_it(tmp_path: Path) -> None:
    assert write(PACKAGE, tmp_path) == tmp_path / "noarch" / "one-1.0-py_0.conda"


def test_nothing_but_the_package_is_left_in_the_folder(tmp_path: Path) -> None:
    write(PACKAGE, tmp_path)
    assert [path.name for path in (tmp_path / "noarch").iterdir()] == ["one-1.0-py_0.conda"]


def test_the_order_of_files_does_not_change_the_bytes(tmp_path: Path) -> None:
    first = write(PACKAGE, tmp_path / "a").read_bytes()
    turned = replace(PACKAGE, files=tuple(reversed(PACKAGE.files)))
    assert write(turned, tmp_path / "b").read_bytes() == first


def test_files_modes_and_links_are_as_said(tmp_path: Path) -> None:
    folder = extracted(PACKAGE, tmp_path)
    assert (folder / "site-packages/one.py").read_bytes() == b"1\n"
    assert (folder / "bin/one").stat().st_mode & 0o111
    assert not (folder / "site-packages/one.py").stat().st_mode & 0o111
    assert (folder / "bin/uno").readlink() == Path("one")


def test_the_index_says_what_the_package_is(tmp_path: Path) -> None:
    index = json.loads((extracted(PACKAGE, tmp_path) / "info/index.json").read_text())
    assert index["name"] == "one"
    assert index["noarch"] == "python"
    assert index["depends"] == ["python >=3.8"]


def test_what_is_not_noarch_says_nothing_of_it(tmp_path: Path) -> None:
    folder = extracted(replace(PACKAGE, entry_points=None, subdir="linux-64"), tmp_path)
    assert "noarch" not in json.loads((folder / "info/index.json").read_text())
    assert not (folder / "info/link.json").exists()


def test_entry_points_are_left_to_the_installer(tmp_path: Path) -> None:
    link = json.loads((extracted(PACKAGE, tmp_path) / "info/link.json").read_text())
    assert link["noarch"] == {"type": "python", "entry_points": ["eins = one:main"]}


def test_every_file_is_in_paths_json_with_its_hash_and_its_placeholder(tmp_path: Path) -> None:
    paths = json.loads((extracted(PACKAGE, tmp_path) / "info/paths.json").read_text())["paths"]
    assert [path["_path"] for path in paths] == ["bin/one", "bin/uno", "site-packages/one.py"]
    assert paths[0]["prefix_placeholder"] == PLACEHOLDER
    assert paths[0]["file_mode"] == "text"
    assert paths[1]["path_type"] == "softlink"
    assert paths[2]["sha256"] == "4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865"


def test_times_and_owners_are_not_the_moments_own(tmp_path: Path) -> None:
    path = write(PACKAGE, tmp_path)
    with path.open("rb") as file:
        entries = [entry for _, entry in stream_conda_component(path.name, file, "pkg")]
    assert {(entry.mtime, entry.uid, entry.gid, entry.uname) for entry in entries} == {(0, 0, 0, "")}
