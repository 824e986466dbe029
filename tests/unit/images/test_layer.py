"""A layer's bytes depend on the packages and the prefix; packages that would reach out of it are refused."""

from __future__ import annotations

import io
import os
import tarfile
import time
from pathlib import Path

import pytest

from dockerflow.images.errors import PackageError
from dockerflow.images.layer import Package, write_layer
from dockerflow.images.metadata import Python
from dockerflow.images.tar import LayerWriter
from tests.unit.images.made import PACKED_AT, PLACEHOLDER, Entry, File, HardLink, Made, SymLink, locked

PYTHON = Python("3.11", "lib/python3.11/site-packages")
FEATURES: dict[str, Entry] = {
    "bin/run": File(b"#!" + PLACEHOLDER.encode() + b"/bin/python\n", 0o775, "text"),
    "lib/a.so": File(PLACEHOLDER.encode() + b"/x\0y", 0o644, "binary"),
    "lib/b.so": SymLink("a.so"),
    "lib/c": File(b"c", 0o600),
    "lib/d": HardLink("lib/c"),
    "site-packages/mod/__init__.py": File(b"x = 1\n"),
}
# In the older format: its compression is the same everywhere, and the archive's hash is in the package's record.
MADE = Made("featured", FEATURES, noarch="python", entry_points=("featured = mod:main",), format="tar.bz2")

# Changes only together with `layer.RECIPE`: images that people have must keep their names.
GOLDEN = "sha256:e0f5b26090c0ad3c8daf918a3cbffa661fcef8e868d5ed0dd6986ce85f8e248e"


def built(folder: Path, made: Made, python: Python | None = PYTHON) -> tuple[str, bytes]:
    path = made.write(folder)
    out = io.BytesIO()
    writer = LayerWriter(out)
    write_layer(writer, [Package(locked(made, path), path)], "/opt/env", python)
    assert len(out.getvalue()) == writer.size
    return writer.diff_id, out.getvalue()


def members(layer: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        return {member.name.removeprefix("opt/env/"): member for member in tar}


def test_the_bytes_of_a_layer_never_drift(tmp_path: Path) -> None:
    assert built(tmp_path, MADE)[0] == GOLDEN


def test_folder_umask_and_time_zone_do_not_change_a_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = built(tmp_path / "a", MADE)
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    umask = os.umask(0o077)
    try:
        assert built(tmp_path / "b" / "deeper", MADE) == first
    finally:
        os.umask(umask)
        monkeypatch.undo()
        time.tzset()


def test_a_file_keeps_its_time_because_its_bytecode_is_valid_for_that_only(tmp_path: Path) -> None:
    found = members(built(tmp_path, MADE)[1])
    assert found["lib/c"].mtime == PACKED_AT
    assert found["bin/run"].mtime == PACKED_AT + 1, "changed, so its bytecode is no longer valid"
    assert found["lib"].mtime == 0


def test_a_hard_link_stays_one_with_its_files_mode_and_time(tmp_path: Path) -> None:
    link = members(built(tmp_path, MADE)[1])["lib/d"]
    assert link.islnk()
    assert link.linkname == "opt/env/lib/c"
    assert (link.mode, link.mtime) == (0o644, PACKED_AT)


def test_what_the_owner_may_read_everyone_may_and_nothing_is_set_id(tmp_path: Path) -> None:
    files: dict[str, Entry] = {"a": File(mode=0o600), "b": File(mode=0o4711), "c": File(mode=0o2770)}
    found = members(built(tmp_path, Made("modes", files))[1])
    assert [found[name].mode for name in "abc"] == [0o644, 0o755, 0o775]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"../outside": File()}, "outside the environment"),
        ({"/etc/passwd": File()}, "outside the environment"),
        ({"a/../../b": File()}, "outside the environment"),
        ({"lib/link": SymLink("/etc/passwd")}, "leads out of the environment, to `/etc/passwd`"),
        ({"lib/link": SymLink("../../etc")}, "leads out of the environment, to `../../etc`"),
        ({"lib/link": SymLink("."), "lib/link/file": File()}, "goes through one of its links"),
        ({"bin/.evil-post-link.sh": File(mode=0o755)}, "run its own script `bin/.evil-post-link.sh`"),
        ({"bin/.evil-pre-link.sh": File(mode=0o755)}, "run its own script"),
    ],
)
@pytest.mark.parametrize("archive_format", ["conda", "tar.bz2"])
def test_a_package_that_reaches_out_is_refused_by_name(
    tmp_path: Path, files: dict[str, Entry], said: str, archive_format: str
) -> None:
    made = Made("evil", files, format=archive_format)
    with pytest.raises(PackageError) as refused:
        built(tmp_path, made)
    assert f"`{made.file_name}`" in refused.value.message
    assert said in refused.value.message
    assert refused.value.hint


def test_a_link_into_the_prefix_by_its_full_path_is_allowed(tmp_path: Path) -> None:
    found = members(built(tmp_path, Made("links", {"lib/link": SymLink("/opt/env/lib/x")}))[1])
    assert found["lib/link"].linkname == "/opt/env/lib/x"


def test_an_entry_point_outside_bin_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="outside `bin`"):
        built(tmp_path, Made("evil", {}, noarch="python", entry_points=("../../x = a:b",)))


def test_a_noarch_python_package_needs_a_python(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="the environment has no Python"):
        built(tmp_path, MADE, None)


@pytest.mark.parametrize("archive_format", ["conda", "tar.bz2"])
@pytest.mark.parametrize("kept", [0.05, 0.4, 0.7, 0.95])
def test_a_cut_archive_is_an_error_that_names_it(tmp_path: Path, archive_format: str, kept: float) -> None:
    made = Made("cut", {"a": File(os.urandom(100_000))}, format=archive_format)
    path = made.write(tmp_path)
    package = locked(made, path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(PackageError, match=f"`{made.file_name}`"):
        write_layer(LayerWriter(io.BytesIO()), [Package(package, path)], "/opt/env", None)


@pytest.mark.parametrize("archive_format", ["conda", "tar.bz2"])
def test_a_listed_file_that_is_not_in_the_archive_is_an_error(tmp_path: Path, archive_format: str) -> None:
    made = Made("lacking", {"a": File(), "gone": File()}, format=archive_format, dropped=("gone",))
    with pytest.raises(PackageError, match="`gone` is listed, but is not in the archive"):
        built(tmp_path, made)


@pytest.mark.parametrize("archive_format", ["conda", "tar.bz2"])
def test_a_hard_link_to_nothing_is_an_error(tmp_path: Path, archive_format: str) -> None:
    files: dict[str, Entry] = {"a": File(), "b": HardLink("a")}
    made = Made("lacking", files, format=archive_format, dropped=("a",))
    with pytest.raises(PackageError, match=r"`a`, which is not a file in it|`a` is listed"):
        built(tmp_path, made)
