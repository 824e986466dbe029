"""What the tutorials in the package `metaflow` need to run here: their files, and a channel with what they ask for.

The one with `@conda` asks for Python 3.9.10 and editdistance 0.5.3. editdistance is that version's own source from the
package index, built for the running interpreter with today's Cython: its C++ is used as it is, and the few lines of
Cython around it, which the source leaves out, are written again. Python 3.9.10 cannot be had on a machine without a
conda channel: the package is the running interpreter under that name.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import subprocess
import sys
import tarfile
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from dockerflow.setup import archive, interpreter, python_package, wheel_package
from dockerflow.setup.channel import LocalChannel, this_subdir
from dockerflow.setup.wheels import Resolution, Wheel
from tests.channel import cache, local_channel, with_python

ASKED_PYTHON, EDITDISTANCE = "3.9.10", "editdistance==0.5.3"

# Raise it when the channel would now have other packages.
RECIPE = 1

BINDING = """# distutils: language = c++
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

cdef extern from "_editdistance.h":
    unsigned int edit_distance(const int64_t *, const unsigned int, const int64_t *, const unsigned int)

cdef int64_t *hashes(object items) except NULL:
    cdef int64_t *made = <int64_t *>malloc((len(items) + 1) * sizeof(int64_t))
    for index, item in enumerate(items):
        made[index] = hash(item)
    return made

def eval(a, b):
    left, right = list(a), list(b)
    cdef int64_t *one = hashes(left)
    cdef int64_t *two = hashes(right)
    distance = edit_distance(one, len(left), two, len(right))
    free(one)
    free(two)
    return distance
"""
BUILD = '[build-system]\nrequires = ["cython>=3", "setuptools"]\nbuild-backend = "setuptools.build_meta"\n'


def tutorial(name: str, folder: Path) -> Path:
    """A tutorial's folder, `02-statistics` for example, copied into `folder`."""
    found = find_spec("metaflow")
    assert found is not None
    assert found.origin is not None
    return Path(shutil.copytree(Path(found.origin).parent / "tutorials" / name, folder / name))


def tutorials_channel() -> LocalChannel:
    """The channel, made now if it is not there."""
    key = hashlib.sha256(json.dumps([RECIPE, archive.RECIPE, BINDING, platform.python_version()]).encode()).hexdigest()
    folder = cache() / f"tutorials-{key[:16]}"
    if not folder.exists():
        cache().mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=cache(), prefix="tutorials-unfinished-") as name:
            made = with_python(Path(name) / "channel", local_channel())
            _fill(made)
            made.folder.rename(folder)
    return LocalChannel(folder)


def _fill(channel: LocalChannel) -> None:
    python = interpreter.matching("")
    relabelled = replace(python_package.package(python, this_subdir()), version=ASKED_PYTHON)
    archive.write(relabelled, channel.folder)
    with TemporaryDirectory() as name:
        wheel = Wheel(_built(Path(name)))
        library = wheel_package.package(wheel, Resolution({}, python.markers), python, this_subdir())
        archive.write(replace(library, depends=("python 3.9.*",), build="py39_0"), channel.folder)
    channel.index()


def _built(folder: Path) -> Path:
    """The wheel of editdistance for this interpreter."""
    _pip("download", "--no-binary=:all:", "--no-deps", "--dest", str(folder), EDITDISTANCE)
    (source,) = folder.glob("*.tar.gz")
    with tarfile.open(source) as packed:
        packed.extractall(folder, filter="data")
    tree = folder / source.name.removesuffix(".tar.gz")
    (tree / "editdistance" / "bycython.pyx").write_text(BINDING)
    (tree / "pyproject.toml").write_text(BUILD)
    recipe = tree / "setup.py"
    recipe.write_text(recipe.read_text().replace("bycython.cpp", "bycython.pyx"))
    _pip("wheel", "--no-deps", "--wheel-dir", str(folder), str(tree))
    (wheel,) = folder.glob("*.whl")
    return wheel


def _pip(*words: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
