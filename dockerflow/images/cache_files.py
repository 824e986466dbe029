"""Which files of the cache are needed by no image that stays.

Records of images that go, and what only those need: layers, packages and what is known of them. What is younger than
the limit stays, whoever needs it. A file's mtime is the time when it was written; build records tell who needs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from dockerflow.images import build_record
from dockerflow.images.files import read_json
from dockerflow.images.inventory import KnownImage
from dockerflow.images.tar import END_OF_ARCHIVE


def unneeded(cache_dir: Path, going: Sequence[KnownImage], kept: Sequence[KnownImage], before: float) -> Iterator[Path]:
    records = [image.record for image in kept if image.record is not None]
    layers = {layer.diff_id for record in records for layer in record.layers}
    packages = {package.sha256 for record in records for package in record.parts.packages}
    yield from (build_record.path_of(cache_dir, one.record.build_key) for one in going if one.record is not None)
    gone = set()
    for path in _older(cache_dir / "layers", "*.tar", before):
        # A layer with nothing in it says that there is nothing to compile: many keys lead to it.
        if f"sha256:{path.stem}" not in layers and size(path) > END_OF_ARCHIVE:
            gone.add(f"sha256:{path.stem}")
            yield path
    for path in _older(cache_dir / "keys", "*.json", before):
        if read_json(path, lambda found: found["diff_id"]) in gone:
            yield path
    # What stands beside images: who looks into a task writes its time anew.
    yield from _older(cache_dir / "jupyter", "*", before)
    for path in _older(cache_dir / "packages", "*", before):
        if path.name not in packages:
            yield path
    for path in _older(cache_dir / "facts", "*.json", before):
        if path.name.partition(".")[0] not in packages:
            yield path


def size(path: Path) -> int:
    """The bytes of a file, or of all files in a folder; none for one that has gone."""
    try:
        if path.is_dir():
            return sum(map(size, path.iterdir()))
        return path.stat().st_size
    except OSError:
        return 0


def _older(folder: Path, pattern: str, before: float) -> Iterator[Path]:
    """What nobody has written since; temporary files are others' affair."""
    for path in sorted(folder.glob(pattern)):
        try:
            if path.stat().st_mtime < before and not path.name.startswith("."):
                yield path
        except OSError:
            continue
