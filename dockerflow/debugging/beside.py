"""Jupyter beside an image that has none: the image stays as it is, and its container sees one folder more.

What is needed is found by the means that steps have for it: packages of an index for the image's Python, with which
what the image has already must go, or else of conda's channels, resolved to a lock; their archives, fetched and
verified; the files of layers, here in a folder of the cache. There it lies for all images of one lock, and both lock
and folder are found again without asking anybody:

    jupyter/<hash of what is wanted, the Python, its libraries, indexes and channels>.lock.yml
    jupyter/<lock hash>-<recipes>/lib/python3.11/site-packages/…, share/jupyter/…, etc/jupyter/…

There are two folders. A kernel imports the libraries that the step had, so that its modules come after the image's own,
and must go with them. The server is another process, and its modules come first: whatever the image has, it is the
newest that its Python takes, and the same for all images of this Python.
"""

from __future__ import annotations

import os
import tarfile
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from dockerflow.config import Config
from dockerflow.debugging.there import There
from dockerflow.environments import lock_file
from dockerflow.environments.errors import EnvironmentsError, LockFileError
from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.images import cache_lock, layer, wheel_layer
from dockerflow.images.errors import explaining_cache
from dockerflow.images.files import new_file
from dockerflow.images.layer import Package
from dockerflow.images.layer_cache import layer_key
from dockerflow.images.metadata import Python
from dockerflow.images.packages import PackageCache
from dockerflow.images.tar import LayerWriter
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.files import make_folder

# Where the server and what a kernel needs are mounted, as their own commands have it.
SERVER, KERNEL = "/opt/dockerflow-jupyter", "/opt/dockerflow-kernel"

# Of the older ones the server was another.
_WANTED = {SERVER: ("jupyterlab", ">=3.1"), KERNEL: ("ipykernel", "")}

# Part of the key of what is found. Raise it when the same question would now have another answer.
_VERSION = 1

FOLDER = "jupyter"

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """An image's Python on a platform, of a step that messages name."""

    there: There
    platform: str
    pathspec: str

    @property
    def python(self) -> Python:
        return Python.of({"version": self.there.version})


def is_needed(there: There) -> bool:
    """Whether the image has no Jupyter that could be started."""
    return not (there.has("jupyterlab", "notebook") and there.has("ipykernel"))


def folders_for(asked: Asked, config: Config, tell: Tell) -> dict[str, Path]:
    """Folders of the cache, by where to mount them. Raises EnvironmentsError, ImageError."""
    _check(asked)
    alone = replace(asked, there=replace(asked.there, libraries={}))
    with explaining_cache(config.cache_dir), cache_lock.used(config.cache_dir):
        return {
            prefix: _folder(_Part(each, prefix), config, tell) for prefix, each in ((SERVER, alone), (KERNEL, asked))
        }


@dataclass(frozen=True)
class _Part:
    """The server or the kernel, for an image's Python."""

    asked: Asked
    prefix: str

    @property
    def wanted(self) -> tuple[str, str]:
        """A name and a version spec."""
        return _WANTED[self.prefix]


def _folder(part: _Part, config: Config, tell: Tell) -> Path:
    lock = _lock(part, config, tell)
    recipes = f"{layer.RECIPE}.{wheel_layer.RECIPE}"
    folder = config.cache_dir / FOLDER / f"{lock.lock_hash}-{recipes}"
    if not folder.is_dir():
        size = sum(package.size or 0 for package in lock.packages) // 1_000_000
        tell(f"fetching {len(lock.packages)} packages, {size} MB, once for all images of this kind")
        _unpack(lock, part, config, folder)
    os.utime(folder)  # it is needed: what is not for long is pruned
    return folder


def _check(asked: Asked) -> None:
    there = asked.there
    if there.kind != "cpython" or not there.libc:
        what = f"Python {there.version} ({there.kind}, {there.libc or 'without the C library of GNU'})"
        raise _refused(asked, f"no packages are known for its {what}")


def _refused(asked: Asked, reason: str) -> EnvironmentsError:
    return EnvironmentsError(
        f"there is no Jupyter in the image of `{asked.pathspec}`, and none can be put beside it: {reason}",
        'give the step `jupyterlab`, as by `@conda(libraries={"jupyterlab": ""})`, set `indexes` or'
        " `channels` to one that has it, or leave `--notebook` out for a session in the terminal",
    )


def _lock(part: _Part, config: Config, tell: Tell) -> Lock:
    asked = part.asked
    said = sorted(asked.there.libraries.items())
    places = [config.indexes, config.channels]
    key = layer_key("dockerflow.jupyter", _VERSION, asked.there.version, asked.platform, said, places, part.wanted)
    path = config.cache_dir / FOLDER / f"{key}.lock.yml"
    with suppress(OSError, UnicodeDecodeError, LockFileError):
        lock = lock_file.loads(path.read_text(encoding="utf-8"), str(path))
        os.utime(path)
        return lock
    lock = _resolved(part, config, tell)
    with new_file(path.parent, path.name) as new:
        new.file.write(lock_file.dumps(lock).encode())
    return lock


def _resolved(part: _Part, config: Config, tell: Tell) -> Lock:
    """From an index, since wheels leave the image its Python and its C libraries; else from conda's channels."""
    indexes = ", ".join(f"`{index}`" for index in config.indexes) or "the package index of uv's configuration"
    channels = ", ".join(f"`{channel}`" for channel in config.channels)
    tried = []
    for ask, where in ((_of_indexes, indexes), (_of_channels, f"the channels {channels}")):
        tell(f"Jupyter is put beside the image: `{part.wanted[0]}` is looked for in {where}")
        try:
            return ask(part, config)
        except EnvironmentsError as error:
            tried.append(f"\n- {where}: {error.message}")
    asked = part.asked
    raise _refused(asked, f"for Python {asked.there.version} on {asked.platform} were asked{''.join(tried)}")


def _of_indexes(part: _Part, config: Config) -> Lock:
    from dockerflow.environments import pypi  # noqa: PLC0415 - a folder of the cache is most often there

    asked = part.asked
    spec = EnvironmentSpec(asked.there.version, (), (), asked.platform, ("".join(part.wanted),), indexes=config.indexes)
    brought = [_there("python", asked.there.version)]
    brought += [_there(name, version) for name, version in sorted(asked.there.libraries.items())]
    found = pypi.resolve(pypi.Place(spec, (), brought, _PATIENCE))
    return Lock(asked.platform, found, part.wanted[:1], (), spec.spec_hash)


def _of_channels(part: _Part, config: Config) -> Lock:
    from dockerflow.environments import solver  # noqa: PLC0415 - takes long to import, and seldom is it needed

    asked = part.asked
    lock = solver.solve(EnvironmentSpec(asked.python.version, (part.wanted,), config.channels, asked.platform))
    return replace(lock, packages=tuple(package for package in lock.packages if package.name != "python"))


# Seconds without an answer of an index.
_PATIENCE = 60


def _there(name: str, version: str) -> LockedPackage:
    """What the image has is not taken from an index again, and what is must go with it."""
    return LockedPackage("conda", name, version, "", "", "", None, None, (("python", ""),))


def _unpack(lock: Lock, part: _Part, config: Config, folder: Path) -> None:
    archives = PackageCache(config.cache_dir / "packages")
    with ThreadPoolExecutor(4, thread_name_prefix="jupyter") as pool:
        fetched = list(pool.map(archives.fetch, lock.packages))
    packages = [Package(each, archive) for each, archive in zip(lock.packages, fetched)]
    make_folder(folder.parent)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as place:
        with tempfile.TemporaryFile(dir=place) as file:
            layer.write_layer(LayerWriter(file), packages, part.prefix, part.asked.python)
            file.seek(0)
            make_folder(Path(place) / part.prefix.strip("/"))  # where the image has all that is needed it stays empty
            with tarfile.open(fileobj=file) as archive:
                if hasattr(tarfile, "data_filter"):  # what Python 3.14 does by itself, and 3.12 warns without
                    archive.extraction_filter = tarfile.data_filter
                archive.extractall(place)
        try:
            (Path(place) / part.prefix.strip("/")).rename(folder)
        except OSError:
            if not folder.is_dir():  # else another has made it meanwhile
                raise
