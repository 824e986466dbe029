"""A wheel's layer and what uv or pip make of the same wheel, to be held against each other.

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
import configparser
import csv
import hashlib
import io
import posixpath
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

from dockerflow.environments.lock import LockedPackage
from dockerflow.images.layer import Package, write_layer
from dockerflow.images.metadata import Python
from dockerflow.images.tar import LayerWriter

PREFIX = "/opt/env"
VERSION = "{}.{}".format(*sys.version_info)
SITE = f"lib/python{VERSION}/site-packages"
PYTHON = Python(VERSION, SITE)

# Not the one of a virtual environment: that has places of its own for headers.
INTERPRETER = Path(getattr(sys, "_base_executable", sys.executable)).resolve()

# Who installed, and from where.
_INSTALLER_S = ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json")

Found = dict[str, tuple[int, bytes]]  # mode and content


def check(folder: Path, locked: LockedPackage, wheel: Path, installer: str = "uv", requested: bool = True) -> Found:
    """Our files by their path below the prefix, after they were found to be the installer's."""
    ours, theirs = layered(locked, wheel, requested), installed(folder, wheel, installer)
    info = next(posixpath.dirname(path) for path in theirs if path.endswith(".dist-info/METADATA"))
    mine, installers = dict(ours), dict(theirs)
    for name in _INSTALLER_S:
        mine.pop(f"{info}/{name}", None)
        installers.pop(f"{info}/{name}", None)
    rows = [_named(found.pop(f"{info}/RECORD")[1]) for found in (mine, installers)]
    scripts = commands(theirs.get(f"{info}/entry_points.txt", (0, b""))[1])
    # Of a script whose place a command of the same name takes, uv leaves the row with its name in the wheel.
    data = posixpath.basename(info).replace(".dist-info", ".data")
    assert rows[0] == rows[1] - {f"{data}/scripts/{posixpath.basename(script)}" for script in scripts}
    assert set(mine) == set(installers)
    assert {path for path in scripts if mine[path][0] != 0o755} == set()
    assert {path for path in set(mine) - scripts if mine[path] != installers[path]} == set()
    _check_record(ours, info)
    return ours


def commands(entry_points: bytes) -> set[str]:
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign, assignment]  # the documented way to keep the case
    parser.read_string(entry_points.decode())
    groups = [parser[group] for group in ("console_scripts", "gui_scripts") if parser.has_section(group)]
    return {f"bin/{name}" for group in groups for name in group}


def _named(record: bytes) -> set[str]:
    """What a RECORD names, but for what says who installed, and headers, which uv puts elsewhere."""
    names = {path for path, *_ in rows_of(record)}
    return {path for path in names if path.split("/")[-1] not in _INSTALLER_S and "/include/" not in path}


def _check_record(found: Found, info: str) -> None:
    """RECORD names every file, with the hash and size that it has."""
    rows = rows_of(found[f"{info}/RECORD"][1])
    assert rows == sorted(rows)
    assert {posixpath.normpath(f"{SITE}/{path}") for path, *_ in rows} == set(found)
    for path, digest, size in rows:
        content = found[posixpath.normpath(f"{SITE}/{path}")][1]
        if path.endswith((".pyc", ".dist-info/RECORD")):
            assert (digest, size) == ("", "")
        else:
            expected = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            assert (digest, size) == (f"sha256={expected}", str(len(content)))


def rows_of(record: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(record.decode(), newline="")))


def layered(locked: LockedPackage, wheel: Path, requested: bool) -> Found:
    out = io.BytesIO()
    write_layer(LayerWriter(out), [Package(locked, wheel, requested=requested)], PREFIX, PYTHON)
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


def installed(folder: Path, wheel: Path, installer: str) -> Found:
    root = folder / installer
    options = ["--no-deps", "--no-index", "--prefix", str(root), str(wheel)]
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
