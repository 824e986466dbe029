"""Our layers of wheels against what uv and pip install at the same prefix: same files, bytes and modes.

What is allowed to differ, and why:
- `INSTALLER` says who installed; `direct_url.json`, `uv_cache.json` and `.lock` say from where on this machine;
- the interpreter in first lines is the one of the image;
- commands made of entry points: every installer has its own words for the same call, so they are run instead;
- `RECORD`: the same rows; ours has the hashes of our commands, and none for `.pyc` files (see `wheel_layer`), so it is
  held against our own files;
- headers: uv puts them below `include/site/` as if every prefix were a virtual environment; pip, as we do, where the
  Python of the prefix has its own;
- the mode of a script in `.data/scripts`: pip leaves one that the wheel does not mark as executable without that mark,
  uv and we set it, as the format says;
- empty folders: the layer has only those that files are in.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import posixpath
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dockerflow.images.layer import Package, write_layer
from dockerflow.images.metadata import Python
from dockerflow.images.tar import LayerWriter
from tests.unit.images.made_wheel import MadeWheel, WheelEntry, executable

PREFIX = "/opt/env"
VERSION = "{}.{}".format(*sys.version_info)
SITE = f"lib/python{VERSION}/site-packages"
PYTHON = Python(VERSION, SITE)

# Not the one of a virtual environment: that has places of its own for headers.
INTERPRETER = Path(getattr(sys, "_base_executable", sys.executable)).resolve()

EVERYTHING = MadeWheel(
    "any-thing",
    {
        "any/__init__.py": WheelEntry(b"class Main:\n    @staticmethod\n    def run(): print('ran', __name__)\n"),
        "any/run.sh": executable(b"#!/bin/sh\n"),
        "any/lib.so": executable(b"\x7fELF"),
        "any/old.py": WheelEntry(b"", date=(1980, 1, 1, 0, 0, 0)),
        "any/private": WheelEntry(b"", stat.S_IFREG | 0o600),
        "any/without-a-mode": WheelEntry(b"", 0),
        "any/\u00fcml\u00e4ut, with a comma.txt": WheelEntry("\u00fc".encode()),
        "any/__pycache__/x.cpython-311.pyc": WheelEntry(b"pyc"),
        "single.py": WheelEntry(b"#!python\n"),
        "{data}/purelib/pure/a.py": WheelEntry(b"1"),
        "{data}/platlib/plat/a.py": WheelEntry(b"2"),
        "{data}/scripts/python-script": WheelEntry(b"#!python\nprint(1)\n"),
        "{data}/scripts/windowed": WheelEntry(b"#!pythonw -E\r\nprint(1)\n"),
        "{data}/scripts/without-an-end": WheelEntry(b"#!python"),
        "{data}/scripts/shell": executable(b"#!/bin/sh\n"),
        "{data}/scripts/empty": WheelEntry(b""),
        "{data}/headers/a.h": WheelEntry(b"h"),
        "{data}/headers/deep/b.h": WheelEntry(b"h"),
        "{data}/data/share/any/data.txt": WheelEntry(b"d"),
        "{data}/data/share/any/tool": executable(b"d"),
        "{data}/data/etc/any.json": WheelEntry(b"{}"),
        "{info}/licenses/LICENSE": WheelEntry(b"MIT"),
        "{info}/INSTALLER": WheelEntry(b"conda"),
        "{info}/RECORD.jws": WheelEntry(b"{}"),
    },
    version="1.0+local.1",
    entry_points="[console_scripts]\nany = any:Main.run\nany-extra=any:Main.run [extra1,extra2]\n"
    "[gui_scripts]\nany-window = any:Main.run\n[others]\nx = y:z\n",
)

Found = dict[str, tuple[int, bytes]]  # mode and content


@pytest.mark.parametrize("requested", [True, False])
@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_wheel_s_layer_has_what_an_installer_puts_at_the_same_prefix(
    tmp_path: Path, installer: str, requested: bool
) -> None:
    ours = check(tmp_path, EVERYTHING, installer, requested)
    assert (f"{SITE}/any_thing-1.0+local.1.dist-info/REQUESTED" in ours) is requested
    assert ours[f"{SITE}/any_thing-1.0+local.1.dist-info/INSTALLER"][1] == b"dockerflow\n"


def test_commands_call_what_the_installer_s_call(tmp_path: Path) -> None:
    ours, theirs = _ours(tmp_path, EVERYTHING, True), _theirs(tmp_path, EVERYTHING, "uv")
    for command in ("any", "any-extra", "any-window"):
        said = []
        for number, found in enumerate((ours, theirs)):
            text = found[f"bin/{command}"][1]
            assert text.startswith(f"#!{PREFIX}/bin/python{VERSION}\n".encode())
            script = tmp_path / f"{number}-{command}"
            script.write_bytes(text)
            run = [sys.executable, str(script)]
            site = str(tmp_path / "uv" / SITE)
            said.append(subprocess.run(run, env={"PYTHONPATH": site}, capture_output=True, check=True).stdout)
        assert said == [b"ran any\n"] * 2


_parts = st.sampled_from(["a", "B", "b.py", "\u00e4", "c d", "x,y", "m.pyc", "tests", "data", "-"])
_places = st.sampled_from(["", "pkg/", "pkg/sub/", "{info}/extra/"])
_data = st.sampled_from(["purelib", "platlib", "scripts", "data", "data/share", "headers", "headers/deep"])
_names = st.one_of(
    st.builds("{}{}".format, _places, _parts),
    st.builds("{{data}}/{}/{}".format, _data, _parts),
    st.builds("{{data}}/{}/{}/{}".format, st.sampled_from(["purelib", "data"]), _parts, _parts),
)
_contents = st.one_of(
    st.binary(max_size=20),
    st.lists(st.sampled_from([b"#!python", b"#!pythonw", b" -E", b"\r\n", b"\n", b"x", b"\xff"]), max_size=6).map(
        b"".join
    ),
)
_modes = st.sampled_from([0, *(stat.S_IFREG | mode for mode in (0o644, 0o755, 0o600, 0o4755, 0o444, 0o100))])
_dates = st.sampled_from([(1980, 1, 1, 0, 0, 0), (2024, 2, 29, 23, 59, 58)])
_files = st.dictionaries(_names, st.builds(WheelEntry, _contents, _modes, _dates), max_size=8)
_points = st.sets(st.sampled_from(["a", "tool", "x.y", "B", "two words"]), max_size=3)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=_files, commands=_points, hash_name=st.sampled_from(["sha256", "sha512", "sha384"]))
@example(files={}, commands=set(), hash_name="sha256")
def test_any_wheel_is_as_the_installer_leaves_it(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, WheelEntry], commands: set[str], hash_name: str
) -> None:
    points = "".join(f"{command} = pkg:main\n" for command in sorted(commands))
    text = f"[console_scripts]\n{points}" if points else ""
    wheel = MadeWheel("generated", _possible(files), entry_points=text, hash_name=hash_name)
    check(tmp_path_factory.mktemp("any"), wheel, "uv", True)


def _possible(files: dict[str, WheelEntry]) -> dict[str, WheelEntry]:
    """Without files that would be at the place of another, or of a folder of another: those are refused."""
    result: dict[str, WheelEntry] = {}
    for path, entry in files.items():
        others = {_placed(other) for other in result}
        folders = {str(parent) for other in others for parent in Path(other).parents}
        if not ({_placed(path)} | {str(parent) for parent in Path(_placed(path)).parents}) & others | (
            {_placed(path)} & folders
        ):
            result[path] = entry
    return result


def _placed(path: str) -> str:
    return path.replace("{data}/purelib/", "").replace("{data}/platlib/", "").replace("{data}/data/", "/data/")


def check(folder: Path, wheel: MadeWheel, installer: str, requested: bool) -> Found:
    ours, theirs = _ours(folder, wheel, requested), _theirs(folder, wheel, installer)
    info = f"{SITE}/{wheel.dist_info}"
    mine, installers = dict(ours), dict(theirs)
    for name in ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"):
        mine.pop(f"{info}/{name}", None)
        installers.pop(f"{info}/{name}", None)
    scripts = _commands(wheel)
    assert {path: mode for path, (mode, _) in mine.items() if path in scripts} == dict.fromkeys(scripts, 0o755)
    rows = [{path for path, *_ in _rows(found.pop(f"{info}/RECORD")[1])} for found in (mine, installers)]
    kept = {f"{wheel.dist_info}/{name}" for name in ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json")}
    headers = {path for path in rows[1] if "/include/" in path}
    assert rows[0] - kept - _headers(rows[0]) == rows[1] - kept - headers
    assert {path: one for path, one in mine.items() if path not in scripts} == {
        path: one for path, one in installers.items() if path not in scripts
    }
    assert set(mine) == set(installers)
    _check_record(ours, info)
    return ours


def _headers(rows: set[str]) -> set[str]:
    return {path for path in rows if "/include/" in path}


def _commands(wheel: MadeWheel) -> set[str]:
    lines = [line for line in wheel.entry_points.partition("[others]")[0].splitlines() if "=" in line]
    return {f"bin/{line.partition('=')[0].strip()}" for line in lines}


def _check_record(found: Found, info: str) -> None:
    """RECORD names every file, with the hash and size that it has."""
    rows = _rows(found[f"{info}/RECORD"][1])
    assert rows == sorted(rows)
    assert {posixpath.normpath(f"{SITE}/{path}") for path, *_ in rows} == set(found)
    for path, digest, size in rows:
        content = found[posixpath.normpath(f"{SITE}/{path}")][1]
        if path.endswith((".pyc", ".dist-info/RECORD")):
            assert (digest, size) == ("", "")
        else:
            expected = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            assert (digest, size) == (f"sha256={expected}", str(len(content)))


def _rows(record: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(record.decode(), newline="")))


def _ours(folder: Path, wheel: MadeWheel, requested: bool) -> Found:
    locked = wheel.locked(folder)
    out = io.BytesIO()
    package = Package(locked, folder / wheel.file_name, requested=requested)
    write_layer(LayerWriter(out), [package], PREFIX, PYTHON)
    found: Found = {}
    out.seek(0)
    with tarfile.open(fileobj=out) as tar:
        for member in tar:
            path = member.name.removeprefix("opt/env").lstrip("/")
            assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")
            assert path not in found
            if not member.isdir():
                content = tar.extractfile(member)
                assert content is not None
                found[path] = (member.mode, content.read())
    return found


def _theirs(folder: Path, wheel: MadeWheel, installer: str) -> Found:
    root = folder / installer
    options = ["--no-deps", "--no-index", "--prefix", str(root), str(wheel.write(folder))]
    commands = {
        "uv": ["uv", "pip", "install", "--python", str(INTERPRETER), "--link-mode", "copy", "--no-config", "--offline"],
        "pip": [
            *(sys.executable, "-m", "pip", "--python", str(INTERPRETER), "install"),
            *("--no-compile", "--ignore-installed", "--root-user-action", "ignore", "--isolated"),
        ],
    }
    environment = {"UV_CACHE_DIR": str(folder / "uv-cache"), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    done = subprocess.run([*commands[installer], *options], umask=0o022, capture_output=True, env=environment)
    assert done.returncode == 0, done.stderr.decode()
    found: Found = {}
    for file in sorted(root.rglob("*")):
        path = str(file.relative_to(root)).replace(f"include/site/python{VERSION}", f"include/python{VERSION}")
        if file.is_file() and path != ".lock":
            mode, content = stat.S_IMODE(file.lstat().st_mode), file.read_bytes()
            if path.startswith("bin/"):
                mode |= 0o111  # as pip does not
                content = _with_our_python(content)
            found[path] = (mode, content)
    return found


def _with_our_python(script: bytes) -> bytes:
    line, end, rest = script.partition(b"\n")
    if line.startswith(b"#!") and line.endswith(f"/python{VERSION}".encode()):
        line = f"#!{PREFIX}/bin/python{VERSION}".encode()
    return line + end + rest
