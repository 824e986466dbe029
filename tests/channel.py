"""The conda channel that the tests use: made by the product's own channel maker, kept between runs.

It is kept under the user's cache folder by what is asked for and by the maker's recipe, so a second run makes nothing
and a changed request makes a new one. `DOCKERFLOW_TEST_CACHE` puts it elsewhere.
"""

from __future__ import annotations

import bz2
import hashlib
import io
import json
import os
import platform
import shutil
import tarfile
import zipfile
from pathlib import Path

import zstandard

from dockerflow.setup.archive import RECIPE
from dockerflow.setup.channel import LocalChannel, Request

PYTHON = "{}.{}".format(*platform.python_version_tuple()[:2])

PANDAS_OLD, PANDAS_NEW = "1.5.3", "2.2.3"
SKLEARN_OLD, SKLEARN_NEW = "1.3.2", "1.5.2"

# Each is resolved for itself. The smallest come first: a test that needs few of them reads least.
REQUESTS = (
    Request(PYTHON, ()),
    Request(PYTHON, (("packaging", "23.2"),)),
    Request(PYTHON, (("packaging", "24.1"),)),
    Request(PYTHON, (("click", "8.1.7"), ("pyyaml", "6.0.2"), ("six", "1.16.0"), ("tabulate", "0.9.0"))),
    Request(PYTHON, (("numpy", "1.26.4"),)),
    Request(PYTHON, (("pandas", PANDAS_OLD),)),
    Request(PYTHON, (("pandas", PANDAS_NEW),)),
    Request(PYTHON, (("scikit-learn", SKLEARN_OLD),)),
    Request(PYTHON, (("scikit-learn", SKLEARN_NEW),)),
)


# What the matrix of versions writes and reads artifacts with. In a channel of its own: others who ask for no version
# get that of the channel above.
NUMPY_OLD, SCIPY_OLD = "1.26.4", "1.11.4"
MATRIX_REQUESTS = (
    Request(PYTHON, (("numpy", NUMPY_OLD), ("pandas", PANDAS_OLD), ("scipy", SCIPY_OLD))),
    Request(PYTHON, (("numpy", NUMPY_OLD), ("pandas", "2.0.3"), ("scipy", SCIPY_OLD))),
    Request(PYTHON, (("numpy", NUMPY_OLD), ("pandas", PANDAS_NEW), ("scipy", ">=1.15"))),
    Request(PYTHON, (("numpy", ">=2"), ("pandas", PANDAS_NEW), ("scipy", ">=1.15"))),
    Request(PYTHON, (("numpy", NUMPY_OLD), ("pandas", ">=3"), ("scipy", ">=1.15"))),
    Request(PYTHON, (("numpy", ">=2"), ("pandas", ">=3"), ("pyarrow", ""), ("scipy", ">=1.15"))),
    Request(PYTHON, (("numpy", NUMPY_OLD), ("scikit-learn", SKLEARN_OLD), ("scipy", SCIPY_OLD))),
    Request(PYTHON, (("numpy", ">=2"), ("scikit-learn", SKLEARN_NEW), ("scipy", ">=1.15"))),
    Request(PYTHON, (("numpy", ">=2"), ("scikit-learn", ">=1.7"), ("scipy", ">=1.15"))),
)


def cache() -> Path:
    """Where the tests keep what is dear to make. Read at import: tests put the user's folders elsewhere."""
    return _CACHE


_CACHE = Path(os.environ.get("DOCKERFLOW_TEST_CACHE") or Path.home() / ".cache" / "dockerflow-tests")


def local_channel() -> LocalChannel:
    """The channel, made now if it is not there. Safe to call from several processes at once."""
    return _made(REQUESTS)


def matrix_channel() -> LocalChannel:
    """The channel of the matrix of versions, in the same way."""
    return _made(MATRIX_REQUESTS)


def _made(requests: tuple[Request, ...]) -> LocalChannel:
    record = json.dumps([RECIPE, platform.python_version(), *(request.request_key for request in requests)])
    channel = LocalChannel(cache() / f"channel-{hashlib.sha256(record.encode()).hexdigest()[:16]}")
    channel.add(requests)
    return channel


def with_python(folder: Path, made: LocalChannel) -> LocalChannel:
    """A channel in `folder` to be filled by a test, with the Python of `made` in it: the one package dear to make."""
    for python in made.folder.glob("*/python-3*.conda"):
        target = folder / python.parent.name / python.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(python, target)
    return LocalChannel(folder)


def as_tar_bz2(conda: Path, folder: Path) -> Path:
    """The same package in the older archive format, written into `folder`."""
    target = folder / f"{conda.stem}.tar.bz2"
    with (
        zipfile.ZipFile(conda) as archive,
        bz2.open(target, "wb") as compressed,
        tarfile.open(fileobj=compressed, mode="w|", format=tarfile.GNU_FORMAT) as joined,
    ):
        for part in sorted(name for name in archive.namelist() if name.endswith(".tar.zst")):  # info first
            _append(joined, zstandard.ZstdDecompressor().stream_reader(archive.open(part)).read())
    return target


def _append(joined: tarfile.TarFile, part: bytes) -> None:
    with tarfile.open(fileobj=io.BytesIO(part)) as tar:
        for entry in tar:
            joined.addfile(entry, tar.extractfile(entry) if entry.isfile() else None)
