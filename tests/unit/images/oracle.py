"""Our layers against py-rattler's own installer, which we did not write: same files, bytes, modes, times and links.

What is allowed to differ, and why:
- `CACHEDIR.TAG` and `__clobbers__/`: for backup programs, and for uninstalling; an image needs neither;
- `conda-meta/*.json`: `url`, `extracted_package_dir` and `link` say where the archive was on this machine. An image
  is a function of the packages' contents, so ours has a URL made of the package's name, and lacks the two others;
- the mode of `conda-meta/*.json`: the installer's are for the owner alone, but a step's user is not the owner;
- modes: for everyone what the owner may read or run, for the same reason;
- times: the installer leaves directories, entry points, records and files with a prefix with the time of
  installation, and files from before 1980 with that year;
- a `#!` line that is no UTF-8: the installer puts a replacement character for what it cannot read, we keep the bytes;
- an entry point that another package has as well: the installer keeps the one that its threads happen to write last
  (seen: 1 time of 12 another one), we the one of the package that is installed last;
- a path that packages share which need each other in a circle: ours is the one of a rule (`clashes`), the installer's
  another one's;
- where packages share a path, their records: the installer's name the file that lost with its place in `__clobbers__/`.
What the installer takes and we refuse: link scripts, a package that has a path twice, and all that leads out of the
prefix (`test_bad_packages.py`).
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path
from typing import IO, Any, cast

import rattler

from dockerflow.environments import event_loop
from dockerflow.environments.lock import Lock
from dockerflow.images.image import StepImage
from tests.unit.images.made import File, HardLink, Made, lock_of
from tests.unit.images.test_builder import build

PREFIX = "/opt/env"
OUTSIDE = ("", "opt", "opt/env")

# 1980, the first year of a zip.
OLDEST = 315532800

# Type, mode, time (where it is the archive's), content or target.
Found = dict[str, tuple[str, int, int, bytes]]


def check_against_installer(folder: Path, packages: list[Made]) -> Found:
    """Assert that an image has what the installer puts at the same prefix; returns that."""
    lock = lock_of(folder / "channel", packages)
    theirs = installed(folder, lock)
    return check(union_of_layers(build(folder / "images", lock).image), theirs, packages)


def check(ours: Found, theirs: Found, packages: list[Made]) -> Found:
    shared = [path for path, count in Counter(path for made in packages for path in targets(made)).items() if count > 1]
    for path in [path for path in ours if path.startswith("conda-meta/") and path.endswith(".json")]:
        mine, installers = ours.pop(path), theirs.pop(path)
        if not shared:
            assert _comparable(mine[3]) == _comparable(installers[3]), path
    for path in ours.keys() & theirs.keys():
        if ours[path][2] < OLDEST or _was_changed(path, packages):
            theirs[path] = (*theirs[path][:2], ours[path][2], theirs[path][3])
    different = {path for path in {*ours, *theirs} if ours.get(path) != theirs.get(path)}
    assert {path: (ours.get(path), theirs.get(path)) for path in different} == {}
    return ours


def targets(made: Made) -> list[str]:
    """Where the files of a package go."""
    return [_target(made, path) for path in made.files]


def _target(made: Made, path: str) -> str:
    for folder, target in (("python-scripts/", "bin/"), ("site-packages/", "lib/python3.11/site-packages/")):
        if made.noarch == "python" and path.startswith(folder):
            return target + path.removeprefix(folder)
    return path


def _was_changed(path: str, packages: list[Made]) -> bool:
    """Whether a package has the path with a prefix in it. Its time is then that of the installation."""
    return any(_has_prefix(made, name) for made in packages for name in made.files if _target(made, name) == path)


def _has_prefix(made: Made, name: str) -> bool:
    entry = made.files[name]
    if isinstance(entry, HardLink):
        return _has_prefix(made, entry.target)
    return isinstance(entry, File) and entry.prefix is not None


def union_of_layers(image: StepImage) -> Found:
    """All that the packages' layers put below the prefix. No file is in two of them."""
    found: Found = {}
    for layer in image.layers:
        if layer.title not in ("base", "dockerflow"):
            with tarfile.open(layer.path) as tar:
                for member in tar:
                    _add(found, tar, member)
    return found


def _add(found: Found, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
    assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")
    path = member.name.removeprefix("opt/env").lstrip("/")
    if member.name in OUTSIDE:
        return
    assert path not in found or (member.isdir() and found[path][0] == "folder"), f"{path} is in two layers"
    if member.issym():
        found[path] = ("link", 0o777, 0, member.linkname.encode())
    elif member.isdir():
        found[path] = ("folder", member.mode, 0, b"")
    else:
        content = cast(IO[bytes], tar.extractfile(member)).read()
        found[path] = ("file", member.mode, int(member.mtime), content)


def installed(folder: Path, lock: Lock) -> Found:
    """What the installer puts, told that the environment's place is the prefix."""
    root = folder / "installed"
    event_loop.run(_install(lock, root, folder / "cache", PREFIX))
    return _tree(root)


def installed_at_the_prefix(folder: Path, lock: Lock) -> Found:
    """What it puts at the very prefix: another process has a folder of ours there."""
    root, file = folder / "opt", folder / "packages.json"
    root.mkdir()
    file.write_text(json.dumps([package.url.removeprefix("file://") for package in lock.packages]))
    alone = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    command = [*alone, "sh", "-c", 'mount --bind "$1" /opt && shift && exec "$@"', "sh", str(root)]
    command += [sys.executable, "-m", "tests.unit.images.oracle", str(file), str(folder / "cache")]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[3])
    return _tree(root / "env")


def _tree(root: Path) -> Found:
    found: Found = {}
    for file in sorted(root.rglob("*")):
        path = str(file.relative_to(root))
        if path in ("CACHEDIR.TAG", "conda-meta/history") or path.startswith("__clobbers__"):
            continue
        status = file.lstat()
        mode, mtime = stat.S_IMODE(status.st_mode), int(status.st_mtime)
        if file.is_symlink():
            found[path] = ("link", 0o777, 0, str(file.readlink()).encode())
        elif file.is_dir():
            found[path] = ("folder", mode, 0, b"")
        else:
            found[path] = ("file", mode | (mode & 0o500) >> 3 | (mode & 0o500) >> 6, mtime, file.read_bytes())
    return found


async def _install(lock: Lock | list[Path], root: Path, cache: Path, prefix: str | None) -> None:
    paths = [Path(one.url.removeprefix("file://")) for one in lock.packages] if isinstance(lock, Lock) else lock
    records = [await rattler.RepoDataRecord.from_package_archive(path) for path in paths]
    await rattler.install(
        records, target_prefix=root, cache_dir=cache, show_progress=False, alternative_target_prefix=prefix
    )


def _comparable(record: bytes) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(record)
    return {key: item for key, item in value.items() if key not in ("url", "extracted_package_dir", "link")}


if __name__ == "__main__":
    archives = [Path(path) for path in json.loads(Path(sys.argv[1]).read_text())]
    event_loop.run(_install(archives, Path(PREFIX), Path(sys.argv[2]), None))
