"""Our layers against py-rattler's own installer, for environments that nobody thought of. See `oracle`."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.images.made import PLACEHOLDER, Entry, File, HardLink, Made, SymLink
from tests.unit.images.oracle import check_against_installer, targets
from tests.unit.images.test_installer_oracle import ENCODINGS, PYTHON

BUILT_AT = PLACEHOLDER.encode()

# None is a folder of another, so that no two packages clash; several packages of an environment have the same ones.
PATHS = (
    "a", "bin/tool", "etc/conda/activate.d/env.sh", "lib/a.so", "lib/b.so", "lib/deep/er/c.so", "lib/m.pyc",
    "lib/python3.11/site-packages/m.py", "python-scripts/tool", "share/a b", "share/ü", "share/new\nline",
    "site-packages/__pycache__/m.cpython-311.pyc", "site-packages/m.py", "site-packages/p/__init__.py",
)  # fmt: skip
NAMES = "abcd"

_wide = [PLACEHOLDER.encode(encoding) for encoding in ENCODINGS[1:]]
_pieces = st.lists(
    st.sampled_from(
        [b"x", b"/lib", b"\0", b"\0\0\0", b"\n", b"\xff", BUILT_AT, BUILT_AT, BUILT_AT[:40], *_wide, _wide[0][1:]]
    ),
    max_size=8,
)
_starts = st.sampled_from([b"", b"", b"#!", b"#! /bin/sh\n", b"#!" + BUILT_AT + b"/bin/python -E\n", b"#!/bin/perl\n"])
_modes = st.sampled_from([0o644, 0o755, 0o600, 0o700, 0o2775, 0o444, 0o4711, 0o777])
_times = st.sampled_from([0, 1, 1_600_000_007])


@st.composite
def _file(draw: st.DrawFn) -> File:
    content = draw(_starts) + b"".join(draw(_pieces))
    prefix = draw(st.sampled_from(["text", "binary", None]))
    if prefix == "text" and content.startswith(b"#!") and not _is_utf8(content.partition(b"\n")[0]):
        prefix = "binary"
    return File(content, draw(_modes), prefix, draw(_times))


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


@st.composite
def _package(draw: st.DrawFn, name: str, below: list[str]) -> Made:
    """One that may need those `below`."""
    noarch = draw(st.sampled_from([None, "python", "generic"]))
    paths = draw(st.lists(st.sampled_from(PATHS), unique=True, max_size=5))
    files: dict[str, Entry] = {path: draw(_file()) for path in paths}
    made = Made(name, files, noarch=noarch, format=draw(st.sampled_from(["conda", "tar.bz2"])))
    if len(set(targets(made))) < len(files):  # refused: which of the two is meant?
        files = {path: entry for path, entry in files.items() if not path.startswith(("site-packages", "python-sc"))}
    plain = list(files)
    old = made.format == "tar.bz2" and not any(" " in path or "\n" in path for path in files) and draw(st.booleans())
    for number, path in enumerate(plain if not old else ()):
        kind = draw(st.sampled_from(["", "", "hard", "soft"]))
        if kind == "hard":
            files[f"lib/{name}-{number}.hard"] = HardLink(path)
        elif kind == "soft":
            target = draw(st.sampled_from(["a.so", "deep", "../a", "none", "/opt/env/lib/a.so", f"{name}-0.soft"]))
            files[f"lib/{name}-{number}.soft"] = SymLink(target)
    points = (f"{name}-command = m:main", f"{name}-other=p.sub:Class.method") if draw(st.booleans()) else ()
    others = draw(st.lists(st.sampled_from(below), unique=True, max_size=2)) if below else []
    return replace(
        made,
        files=files,
        entry_points=points if noarch == "python" else (),
        depends=("python", *others),
        info_first=draw(st.booleans()),
        paths_json=not old,
    )


@st.composite
def _environment(draw: st.DrawFn) -> list[Made]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1))
    return [PYTHON, *(draw(_package(name, names[:number])) for number, name in enumerate(names))]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_environment())
def test_any_environment_is_as_the_installer_leaves_it(
    tmp_path_factory: pytest.TempPathFactory, packages: list[Made]
) -> None:
    check_against_installer(tmp_path_factory.mktemp("any"), packages)
