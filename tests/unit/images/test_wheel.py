"""What wheels may be and what they become, where no installer can be asked: refusals, times, old Pythons, memory."""

from __future__ import annotations

import hashlib
import io
import stat
import subprocess
import sys
import tarfile
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dockerflow.images.errors import PackageError
from dockerflow.images.layer import Package, write_layer
from dockerflow.images.metadata import Python
from dockerflow.images.tar import LayerWriter
from dockerflow.images.wheel_layer import MTIME
from tests.unit.images.made_wheel import MadeWheel, WheelEntry

PYTHON = Python("3.11", "lib/python3.11/site-packages")
LIB = MadeWheel("lib", {"lib/__init__.py": WheelEntry(b"x = 1\n"), "{data}/headers/lib.h": WheelEntry(b"h")})
SITE = "opt/env/lib/python3.11/site-packages"


def layer(folder: Path, wheel: MadeWheel, python: Python = PYTHON, **package: object) -> bytes:
    out = io.BytesIO()
    locked = wheel.locked(folder)
    one = Package(locked, folder / wheel.file_name, **package)  # type: ignore[arg-type]
    write_layer(LayerWriter(out), [one], "/opt/env", python)
    return out.getvalue()


def members(data: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {member.name: member for member in tar}


def content(data: bytes, path: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return cast(IO[bytes], tar.extractfile(path)).read()


def test_the_bytes_of_a_wheel_s_layer_never_drift(tmp_path: Path) -> None:
    """Change only together with the RECIPE of wheels."""
    stored = replace(LIB, compression=zipfile.ZIP_STORED, entry_points="[console_scripts]\nlib = lib:main\n")
    found = hashlib.sha256(layer(tmp_path, stored, requested=True)).hexdigest()
    assert found == "f896ed615e3dd2233b284a030db9577b2e0c2d6c40d93918542614f0c8207889"


def test_a_time_in_the_zip_changes_nothing_and_every_file_can_be_zipped_anywhere(tmp_path: Path) -> None:
    early = replace(LIB, files={path: replace(one, date=(1980, 1, 1, 0, 0, 0)) for path, one in LIB.files.items()})
    assert layer(tmp_path / "early", early) == layer(tmp_path / "late", LIB)
    times = {member.mtime for member in members(layer(tmp_path, LIB)).values() if member.isreg()}
    assert times == {MTIME}
    program = f"import time, zipfile; zipfile.ZipInfo('x', time.localtime({MTIME})[:6])"
    for zone in ("UTC", "Etc/GMT+12", "Pacific/Kiritimati"):
        subprocess.run([sys.executable, "-c", program], env={"TZ": zone}, check=True)


@pytest.mark.parametrize(
    ("python", "site", "headers"),
    [
        (Python.of({"version": "3.7.4"}), "lib/python3.7/site-packages", "include/python3.7m"),
        (Python.of({"version": "3.13.1"}), "lib/python3.13/site-packages", "include/python3.13"),
        (
            Python.of({"version": "3.13.1", "python_site_packages_path": "lib/python3.13t/site-packages"}),
            "lib/python3.13t/site-packages",
            "include/python3.13t",
        ),
    ],
)
def test_files_go_where_the_environment_s_python_looks(tmp_path: Path, python: Python, site: str, headers: str) -> None:
    data = layer(tmp_path, replace(LIB, entry_points="[console_scripts]\nlib = lib:main\n"), python)
    found = members(data)
    assert {f"opt/env/{site}/lib/__init__.py", f"opt/env/{headers}/lib/lib.h"} <= set(found)
    assert content(data, "opt/env/bin/lib").startswith(f"#!/opt/env/bin/python{python.version}\n".encode())
    assert b"../../../bin/lib,sha256=" in content(data, f"opt/env/{site}/lib-1.0.dist-info/RECORD")


def test_a_path_that_is_another_package_s_is_left_out_of_layer_and_record(tmp_path: Path) -> None:
    wheel = replace(LIB, entry_points="[console_scripts]\nlib = lib:main\n")
    data = layer(tmp_path, wheel, lost=frozenset({"bin/lib", "lib/python3.11/site-packages/lib/__init__.py"}))
    assert not {"opt/env/bin/lib", f"{SITE}/lib/__init__.py"} & set(members(data))
    record = content(data, f"{SITE}/lib-1.0.dist-info/RECORD")
    assert b"bin/lib" not in record
    assert b"lib/__init__.py" not in record


def test_a_file_that_its_record_does_not_name_is_installed_and_named(tmp_path: Path) -> None:
    data = layer(tmp_path, replace(LIB, record={"lib/__init__.py": ""}))
    assert b"lib/__init__.py,sha256=" in content(data, f"{SITE}/lib-1.0.dist-info/RECORD")


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2])
def test_how_a_wheel_is_packed_changes_nothing(tmp_path: Path, compression: int) -> None:
    other = layer(tmp_path / "other", replace(LIB, compression=compression))
    assert other == layer(tmp_path, LIB)


LINK = WheelEntry(b"/etc/passwd", stat.S_IFLNK | 0o777)

REFUSED = {
    "whiteout": (replace(LIB, files={"lib/.wh.x": WheelEntry()}), "`lib/.wh.x` would remove another in an image"),
    "whiteout command": (replace(LIB, entry_points="[console_scripts]\n.wh.x = a:b\n"), r"`\.wh\.x` would be"),
    "conda record": (replace(LIB, files={"{data}/data/conda-meta/x.json": WheelEntry()}), "would pass for the record"),
    "packing": (replace(LIB, compression=zipfile.ZIP_LZMA), r"packed in a way that wheels are not \(14\)"),
    "leads out": (replace(LIB, files={"../out": WheelEntry()}), r"`\.\./out` would be outside"),
    "leads out of data": (replace(LIB, files={"{data}/data/../../x": WheelEntry()}), "would be outside"),
    "absolute": (replace(LIB, files={"/etc/passwd": WheelEntry()}), "`/etc/passwd` would be outside"),
    "backslash": (replace(LIB, files={"lib\\..\\x": WheelEntry()}), "would be outside"),
    "link": (replace(LIB, files={"lib/link": LINK}), "`lib/link` is a link or a special file"),
    "no wheel file": (replace(LIB, left_out=("WHEEL",)), r"no `lib-1\.0\.dist-info/WHEEL` in it"),
    "no metadata": (replace(LIB, left_out=("METADATA",)), r"no `lib-1\.0\.dist-info/METADATA` in it"),
    "no record": (replace(LIB, left_out=("RECORD",)), r"no `lib-1\.0\.dist-info/RECORD` in it"),
    "two libraries": (replace(LIB, files={"x-1.dist-info/METADATA": WheelEntry()}), r"2 folders `….dist-info`"),
    "new format": (replace(LIB, wheel_version="2.0"), r"a wheel of version 2\.0"),
    "no version": (replace(LIB, wheel_version="new"), "its metadata is not what the format says"),
    "hash": (replace(LIB, record={"lib/__init__.py": "sha256=AAAA,6"}), "`lib/__init__.py` is not the one in its REC"),
    "hash kind": (replace(LIB, record={"lib/__init__.py": "crc=AAAA,6"}), "a hash of the unknown kind `crc`"),
    "missing": (replace(LIB, record={"lib/gone.py": "sha256=AAAA,6"}), "`lib/gone.py` is listed in RECORD, but is"),
    "scheme": (replace(LIB, files={"{data}/stdlib/x": WheelEntry()}), "is in none of the places"),
    "loose data": (replace(LIB, files={"{data}/x": WheelEntry()}), "is in none of the places"),
    "twice": (
        replace(LIB, files={"a": WheelEntry(), "{data}/purelib/a": WheelEntry()}), "two of its files would be `a`"
    ),
    "file and folder": (replace(LIB, files={"a": WheelEntry(), "{data}/purelib/a/b": WheelEntry()}), "`a` is a file"),
    "command out": (replace(LIB, entry_points="[console_scripts]\n../x = a:b\n"), r"entry point `\.\./x` would be out"),
    "no function": (replace(LIB, entry_points="[console_scripts]\nx = a\n"), "entry point `x = a` is not"),
    "no call": (replace(LIB, entry_points="[console_scripts]\nx = import os; os\n"), "not what the format says"),
    "no text": (replace(LIB, entry_points="[console_scripts]\nnothing\n"), "not what the format says"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_wheel_should_have_is_refused_by_name(tmp_path: Path, case: str) -> None:
    wheel, message = REFUSED[case]
    with pytest.raises(PackageError, match=message) as refused:
        layer(tmp_path, wheel)
    assert wheel.file_name in refused.value.message
    assert refused.value.hint


def test_another_library_than_the_locked_one_is_refused(tmp_path: Path) -> None:
    locked = replace(LIB.locked(tmp_path), name="other")
    with pytest.raises(PackageError, match="has the library `lib` in it, and the lock says `other`"):
        write_layer(LayerWriter(io.BytesIO()), [Package(locked, tmp_path / LIB.file_name)], "/opt/env", PYTHON)


@pytest.mark.parametrize("where", ["content", "directory", "end", "nothing"])
def test_a_damaged_wheel_is_an_error_that_names_it(tmp_path: Path, where: str) -> None:
    big = replace(LIB, files={"lib/data": WheelEntry(bytes(range(256)) * 400)})
    locked = big.locked(tmp_path)
    path = tmp_path / big.file_name
    data = bytearray(path.read_bytes())
    if where == "content":
        data[60:90] = b"\xff" * 30
    elif where == "directory":
        at = data.rfind(b"PK\1\2")
        data[at + 10 : at + 12] = b"\x63\0"  # a kind of compression that there is not
        at = data.find(b"PK\1\2")
        data[at + 10 : at + 12] = b"\x63\0"
    else:
        del data[0 if where == "nothing" else len(data) // 2 :]
    path.write_bytes(data)
    with pytest.raises(PackageError, match=r"package `lib-1\.0-py3-none-any\.whl` cannot be unpacked"):
        write_layer(LayerWriter(io.BytesIO()), [Package(locked, path)], "/opt/env", PYTHON)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4),
    kept=st.one_of(st.just(1.0), st.floats(0, 1)),
)
def test_whatever_is_damaged_is_no_other_error(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[float, int]], kept: float
) -> None:
    """Or is not seen: a byte that nobody reads."""
    folder = tmp_path_factory.mktemp("damaged")
    locked = LIB.locked(folder)
    path = folder / LIB.file_name
    data = bytearray(path.read_bytes())
    for at, value in changes:
        data[int(at * len(data))] = value
    path.write_bytes(data[: int(kept * len(data))])
    with suppress(PackageError):
        write_layer(LayerWriter(io.BytesIO()), [Package(locked, path)], "/opt/env", PYTHON)


PROGRAM = """
import resource, sys, zipfile
from pathlib import Path
from dockerflow.images.layer import Package, write_layer
from dockerflow.images.metadata import Python
from dockerflow.images.tar import LayerWriter
from dockerflow.environments.lock import LockedPackage

class Nowhere:
    def write(self, data): pass

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
locked = LockedPackage("pip", "big", "1.0", "", "file:///big-1.0-py3-none-any.whl", "", None, None)
write_layer(LayerWriter(Nowhere()), [Package(locked, Path(sys.argv[1]))], "/opt/env", Python("3.11", "lib/x"))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_big_file_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    path = MadeWheel("big", {}).write(tmp_path)
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(zipfile.ZipInfo("big/blob"), "w") as blob,
    ):
        for _ in range(300):
            blob.write(bytes(1 << 20))
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 40 * 1024, "KiB more at the peak than before"
