"""Packages that are broken or mean harm: each is refused by a message that says what was found, with a way out."""

from __future__ import annotations

import bz2
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, cast

import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dockerflow.environments.lock import Lock
from dockerflow.images.archive import BROKEN
from dockerflow.images.errors import ImageError, PackageError
from tests.unit.images.made import PLACEHOLDER, Directory, Entry, File, HardLink, Made, SymLink, lock_of, locked
from tests.unit.images.test_builder import build

TRUSTED = "choose another version or build of it; a package from a trusted channel does not do this"
SCRIPT = "use a version or build of it without that script, or a step image of your own that has it installed"
TOGETHER = "they cannot be in one environment; choose other versions, or use them in different steps"
REFUSED = "package `evil-1.0-0.conda` is refused: "


def said_of(folder: Path, *packages: Made) -> tuple[str, str | None]:
    with pytest.raises(ImageError) as refused:
        build(folder / "cache", lock_of(folder / "channel", list(packages)))
    assert not (folder / "cache" / "images").exists()
    return refused.value.message, refused.value.hint


CHAIN: dict[str, Entry] = {"a/b/up": SymLink("../.."), "out": SymLink("a/b/up/../../etc/passwd")}


OUTSIDE = "would be outside the environment"
OUT = "leads out of the environment"
REMOVES = "would remove another in an image: what begins so does that"
RUNS = "at installation, which can make the image differ from its lock"


@pytest.mark.parametrize(
    ("files", "reason", "hint"),
    [
        ({"../x": File()}, f"its file `../x` {OUTSIDE}", TRUSTED),
        ({"lib/../../x": File()}, f"its file `lib/../../x` {OUTSIDE}", TRUSTED),
        ({"/etc/passwd": File()}, f"its file `/etc/passwd` {OUTSIDE}", TRUSTED),
        ({"l": SymLink("/etc")}, f"its link `l` {OUT}, to `/etc`", TRUSTED),
        ({"l": SymLink("/opt/environment")}, f"its link `l` {OUT}, to `/opt/environment`", TRUSTED),
        ({"l": SymLink("/opt/env/../x")}, f"its link `l` {OUT}, to `/opt/env/../x`", TRUSTED),
        ({"a/l": SymLink("../../x")}, f"its link `a/l` {OUT}, to `../../x`", TRUSTED),
        ({"a/l": SymLink("../../env/x")}, f"its link `a/l` {OUT}, to `../../env/x`", TRUSTED),
        (CHAIN, f"its link `out` {OUT}, to `a/b/up/../../etc/passwd`", TRUSTED),
        ({"l": SymLink("others/..")}, f"its link `l` {OUT}, to `others/..`", TRUSTED),
        ({"lib/.wh.python": File()}, f"its file `lib/.wh.python` {REMOVES}", TRUSTED),
        ({".wh..wh..opq/x": File()}, f"its file `.wh..wh..opq/x` {REMOVES}", TRUSTED),
        (
            {"conda-meta/python-3.json": File()},
            "its file `conda-meta/python-3.json` would pass for the record of an installed package",
            TRUSTED,
        ),
        ({"bin/.evil-post-link.sh": File()}, f"it would run its own script `bin/.evil-post-link.sh` {RUNS}", SCRIPT),
        ({"bin/.evil-pre-link.sh": File()}, f"it would run its own script `bin/.evil-pre-link.sh` {RUNS}", SCRIPT),
    ],
)
def test_what_reaches_out_of_the_environment_is_refused(
    tmp_path: Path, files: dict[str, Entry], reason: str, hint: str
) -> None:
    assert said_of(tmp_path, Made("evil", files)) == (REFUSED + reason, hint)


@pytest.mark.parametrize(
    "target",
    ["../lib/x", "x/../../bin/x", "/opt/env/lib/x", "/opt/env/lib/../bin/x", "self", ".", "..", "none/of/them"],
)
def test_links_that_stay_inside_are_taken(tmp_path: Path, target: str) -> None:
    made = Made("good", {"lib/x/y": File(), "bin/x": File(), "lib/self": SymLink(target)})
    assert build(tmp_path / "cache", lock_of(tmp_path / "channel", [made])).image


def test_a_file_of_one_that_is_a_folder_of_another_is_refused(tmp_path: Path) -> None:
    said = "packages `a` and `b` clash: `lib/x` is a file or link of the one and a folder of the other"
    others: list[dict[str, Entry]] = [{"lib/x/y": File()}, {"lib/x": Directory()}]
    for number, other in enumerate(others):
        packages = (Made("a", {"lib/x": File()}), Made("b", other))
        assert said_of(tmp_path / str(number), *packages) == (said, TOGETHER)


@pytest.mark.parametrize("other", [SymLink("."), File()])
def test_a_file_or_link_that_is_a_folder_too_is_refused(tmp_path: Path, other: Entry) -> None:
    hint = "the channel's file is broken; use another version or build of the package, or tell the channel"
    said = "package `evil` is refused: its `l` is both a file or link and a folder"
    assert said_of(tmp_path, Made("evil", {"l": other, "l/x": File()})) == (said, hint)


def test_a_package_that_is_another_than_its_name_says_is_refused(tmp_path: Path) -> None:
    for number, name in enumerate(("other", "../../evil")):
        message, hint = said_of(tmp_path / str(number), Made("evil", {"lib/x": File()}, index={"name": name}))
        assert message.startswith("package `evil-1.0-0.conda` cannot be unpacked: ")
        assert f"`{name}`" in message
        assert hint == BROKEN


def test_a_tampered_package_in_a_channel_is_an_error(tmp_path: Path) -> None:
    lock = lock_of(tmp_path / "channel", [Made("a", {"lib/x": File()})])
    path = Path(lock.packages[0].url.removeprefix("file://"))
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(PackageError) as refused:
        build(tmp_path / "cache", lock)
    found = refused.value
    assert found.message.startswith(
        f"package `a-1.0-0.conda` is not the one in the lock: expected sha256 {lock.packages[0].sha256}, found "
    )
    assert found.message.endswith(f" ({path.stat().st_size} bytes) at `{path.as_uri()}`")
    assert found.hint == (
        "the channel or index has changed it, or it was tampered with; if you trust where it is from, lock again"
    )


def test_a_lock_without_a_hash_is_an_error(tmp_path: Path) -> None:
    lock = lock_of(tmp_path / "channel", [Made("a", {"lib/x": File()})])
    with pytest.raises(PackageError) as refused:
        build(tmp_path / "cache", replace(lock, packages=(replace(lock.packages[0], sha256=""),)))
    assert refused.value.message == "package `a` has no sha256 in the lock, so it cannot be verified"
    assert refused.value.hint == "lock again, from a channel that has sha256 sums for its packages"


def test_a_lock_for_another_platform_is_an_error(tmp_path: Path) -> None:
    lock = replace(lock_of(tmp_path / "channel", [Made("a", {"lib/x": File()})]), platform="linux-aarch64")
    with pytest.raises(ImageError) as refused:
        build(tmp_path / "cache", lock)
    assert refused.value.message == "the lock is for `linux-aarch64`, the base image `made` for amd64"
    hint = "lock for the engine's platform, or name another base image with the setting `base_image`"
    assert refused.value.hint == hint


def broken(folder: Path, change: Callable[[bytes], bytes], made: Made) -> tuple[str, str | None]:
    """What is said of a package whose channel has broken it, and locked it so."""
    with pytest.raises(ImageError) as refused:
        build(folder / "cache", changed(folder, change, made))
    return refused.value.message, refused.value.hint


def changed(folder: Path, change: Callable[[bytes], bytes], made: Made) -> Lock:
    path = made.write(folder / "channel")
    path.write_bytes(change(path.read_bytes()))
    return replace(lock_of(folder / "other", []), packages=(locked(made, path),))


@pytest.mark.parametrize("archive_format", ["conda", "tar.bz2"])
@pytest.mark.parametrize("kept", [0, 1, 50, 300, 500, -1])
def test_a_cut_archive_is_named(tmp_path: Path, archive_format: str, kept: int) -> None:
    made = Made("cut", {"lib/x": File(bytes(range(256)) * 8)}, format=archive_format)
    message, hint = broken(tmp_path, lambda data: data[:kept], made)
    assert message.startswith(f"package `cut-1.0-0.{archive_format}` cannot be unpacked: ")
    assert hint == BROKEN


def test_an_archive_that_is_not_what_it_lists_is_named(tmp_path: Path) -> None:
    start = "package `odd-1.0-0.tar.bz2` cannot be unpacked: "
    files: dict[str, Entry] = {"a": File(), "gone": File()}
    odd = Made("odd", files, format="tar.bz2", dropped=("gone",))
    assert said_of(tmp_path / "1", odd) == (f"{start}its file `gone` is listed, but is not in the archive", BROKEN)


def test_a_file_that_is_in_the_archive_twice_is_refused(tmp_path: Path) -> None:
    def change(data: bytes) -> bytes:
        out = io.BytesIO(bz2.decompress(data))
        with tarfile.open(fileobj=out, mode="a") as tar:
            member = tarfile.TarInfo("lib/x")
            member.size = 5
            tar.addfile(member, io.BytesIO(b"other"))
        return bz2.compress(out.getvalue())

    made = Made("odd", {"lib/x": File(b"first")}, format="tar.bz2")
    said = "package `odd-1.0-0.tar.bz2` cannot be unpacked: its file `lib/x` is in the archive twice"
    assert broken(tmp_path, change, made) == (said, BROKEN)


def info(name: str, data: bytes) -> Callable[[bytes], bytes]:
    """Replaces a metadata file of a `.tar.bz2`."""

    def change(archive: bytes) -> bytes:
        out = io.BytesIO()
        unpacked = io.BytesIO(bz2.decompress(archive))
        with tarfile.open(fileobj=unpacked) as old, tarfile.open(fileobj=out, mode="w") as new:
            for member in old:
                content = cast(IO[bytes], old.extractfile(member)).read()
                if member.name == f"info/{name}":
                    content = data
                member.size = len(content)
                new.addfile(member, io.BytesIO(content))
        return bz2.compress(out.getvalue())

    return change


def test_metadata_that_unpacks_to_more_than_any_real_one_is_not_read(tmp_path: Path) -> None:
    made = Made("bomb", {"lib/x": File()}, format="tar.bz2")
    message, hint = broken(tmp_path, info("paths.json", b" " * (129 << 20)), made)
    assert message.startswith("package `bomb-1.0-0.tar.bz2` cannot be unpacked: its metadata has 1352")
    assert message.endswith(" bytes with `info/paths.json`, more than 134217728")
    assert hint == BROKEN


@pytest.mark.parametrize("name", ["index.json", "paths.json"])
def test_metadata_that_is_nested_too_deeply_is_named(tmp_path: Path, name: str) -> None:
    made = Made("deep", {"lib/x": File()}, format="tar.bz2")
    message, hint = broken(tmp_path, info(name, b"[" * 200_000), made)
    assert message.startswith("package `deep-1.0-0.tar.bz2` cannot be unpacked: its metadata is not what the format")
    assert hint == BROKEN


def test_a_record_about_a_file_that_is_larger_than_any_real_one_is_not_read(tmp_path: Path) -> None:
    def change(archive: bytes) -> bytes:
        header = tarfile.TarInfo("PaxHeaders/x")
        header.type, header.size = tarfile.XHDTYPE, 100 << 30
        return bz2.compress(header.tobuf(tarfile.GNU_FORMAT) + b"0" * 5000)

    said = "package `bomb-1.0-0.tar.bz2` cannot be unpacked: the tar has a record of 107374182400 bytes about one file"
    assert broken(tmp_path, change, Made("bomb", {}, format="tar.bz2")) == (said, BROKEN)


def test_an_archive_that_looks_back_further_than_any_real_one_is_not_unpacked(tmp_path: Path) -> None:
    def change(archive: bytes) -> bytes:
        out = io.BytesIO()
        window = zstandard.ZstdCompressionParameters(window_log=30, enable_ldm=True)
        with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(out, "w") as new:
            for name in old.namelist():
                data = old.read(name)
                if name.endswith(".zst"):
                    whole = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
                    packer = zstandard.ZstdCompressor(compression_params=window).compressobj()
                    data = packer.compress(whole) + packer.flush()
                new.writestr(name, data)
        return out.getvalue()

    message, hint = broken(tmp_path, change, Made("bomb", {"lib/x": File(b"x")}))
    assert message.startswith(
        "package `bomb-1.0-0.conda` cannot be unpacked: zstd decompress error: Frame requires too"
    )
    assert hint == BROKEN


_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(["", "a", "../a", "\ud800", "a\0", "text", "directory"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["paths", "_path", "noarch"]), inner),
    max_leaves=4,
)
_keys = {
    "index.json": ["name", "version", "build", "noarch", "depends", "subdir", "python_site_packages_path", "timestamp"],
    "paths.json": ["paths_version", "paths"],
    "link.json": ["noarch", "package_metadata_version"],
}
_path_keys = ["_path", "path_type", "prefix_placeholder", "file_mode", "sha256", "size_in_bytes", "no_link"]


@st.composite
def _metadata(draw: st.DrawFn) -> tuple[str, object]:
    """One metadata file of a good package with one value that is anything."""
    name = draw(st.sampled_from(sorted(_keys)))
    every: dict[str, dict[str, Any]] = {
        "index.json": {"name": "python", "version": "3.11", "build": "0", "noarch": "python", "subdir": "noarch"},
        "paths.json": {"paths_version": 1, "paths": [{"_path": "site-packages/a", "path_type": "hardlink"}]},
        "link.json": {"noarch": {"type": "python", "entry_points": ["a = b:c"]}, "package_metadata_version": 1},
    }
    good = every[name]
    if name == "paths.json" and draw(st.booleans()):
        good["paths"][0][draw(st.sampled_from(_path_keys))] = draw(_values)
    elif draw(st.integers(0, 9)) == 0:
        return name, draw(_values)
    else:
        good[draw(st.sampled_from(_keys[name]))] = draw(_values)
    return name, good


@settings(deadline=None, max_examples=150)
@given(_metadata())
@example(("paths.json", {"paths_version": 1, "paths": [{"_path": "\ud800", "path_type": "hardlink"}]}))
@example(("link.json", {"noarch": {"type": "python", "entry_points": ["\ud800 = b:c"]}}))
def test_metadata_of_any_form_is_taken_or_refused(
    tmp_path_factory: pytest.TempPathFactory, found: tuple[str, Any]
) -> None:
    name, value = found
    folder = tmp_path_factory.mktemp("any")
    python = Made("python", {"site-packages/a": File(b"x" + PLACEHOLDER.encode())}, noarch="python", format="tar.bz2")
    lock = changed(folder, info(name, json.dumps(value).encode()), replace(python, entry_points=("a = b:c",)))
    with suppress(ImageError):
        build(folder / "cache", lock)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(st.integers(0, 1 << 30), st.binary(min_size=1, max_size=12)), min_size=1, max_size=3))
def test_a_tar_of_any_form_is_unpacked_or_refused(
    tmp_path_factory: pytest.TempPathFactory, places: list[tuple[int, bytes]]
) -> None:
    def change(archive: bytes) -> bytes:
        data = bytearray(bz2.decompress(archive))
        for place, new in places:
            start = place % len(data)
            data[start : start + len(new)] = new
        return bz2.compress(bytes(data))

    folder = tmp_path_factory.mktemp("any")
    made = Made("any", {"a": File(b"x"), "b": SymLink("a"), "c": HardLink("a")}, format="tar.bz2")
    with suppress(ImageError):
        build(folder / "cache", changed(folder, change, made))
