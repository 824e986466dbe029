"""Our layers of wheels against what uv and pip install at the same prefix; `installed_wheel` says what may differ."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.unit.images.installed_wheel import PREFIX, SITE, VERSION, check, installed, layered
from tests.unit.images.made_wheel import MadeWheel, WheelEntry, executable

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


@pytest.mark.parametrize("requested", [True, False])
@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_wheel_s_layer_has_what_an_installer_puts_at_the_same_prefix(
    tmp_path: Path, installer: str, requested: bool
) -> None:
    ours = check(tmp_path, EVERYTHING.locked(tmp_path), tmp_path / EVERYTHING.file_name, installer, requested)
    assert (f"{SITE}/any_thing-1.0+local.1.dist-info/REQUESTED" in ours) is requested
    assert ours[f"{SITE}/any_thing-1.0+local.1.dist-info/INSTALLER"][1] == b"dockerflow\n"


def test_commands_call_what_the_installer_s_call(tmp_path: Path) -> None:
    locked, wheel = EVERYTHING.locked(tmp_path), tmp_path / EVERYTHING.file_name
    ours, theirs = layered(locked, wheel, True), installed(tmp_path, wheel, "uv")
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
@example(files={"a": WheelEntry(b""), "{data}/scripts/a": WheelEntry(b"")}, commands={"a"}, hash_name="sha256")
def test_any_wheel_is_as_the_installer_leaves_it(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, WheelEntry], commands: set[str], hash_name: str
) -> None:
    points = "".join(f"{command} = pkg:main\n" for command in sorted(commands))
    text = f"[console_scripts]\n{points}" if points else ""
    wheel = MadeWheel("generated", _possible(files), entry_points=text, hash_name=hash_name)
    folder = tmp_path_factory.mktemp("any")
    check(folder, wheel.locked(folder), folder / wheel.file_name)


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
