"""Small real channels, made in a moment: packages that hold nothing but their metadata, indexed by py-rattler."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.environments.small_channel import SmallChannel
from tests.integration.environments.small_index import SmallIndex


@pytest.fixture
def make_channel(tmp_path: Path) -> Callable[[str], SmallChannel]:
    """Makes an empty channel of the name given."""

    def make(name: str) -> SmallChannel:
        return SmallChannel(tmp_path / name)

    return make


@pytest.fixture
def channel(make_channel: Callable[[str], SmallChannel]) -> SmallChannel:
    """A channel with three Pythons, packages for some of them, and packages that exclude each other."""
    channel = make_channel("channel")
    for version in ("3.10.14", "3.11.9", "3.12.4"):
        channel.add("python", version, "__glibc >=2.17", "openssl")
    channel.add("openssl", "3.0")
    for version in ("1.26.4", "2.1.0"):
        channel.add("numpy", version, "python 3.10.*", build="py310")
        channel.add("numpy", version, "python 3.11.*", build="py311")
    channel.add("pandas", "1.5.3", "python >=3.8,<3.12", "numpy >=1.20", "numpy <2", "pytz")
    channel.add("pandas", "2.2.2", "python >=3.9", "numpy >=1.26", "pytz")
    channel.add("pytz", "2024.1", "python", subdir="noarch", suffix=".tar.bz2")
    channel.add("old-science", "1.0", "python", "numpy <2")
    channel.add("new-science", "1.0", "python", "numpy >=2")
    channel.add("needs-ghost", "1.0", "python", "ghost >=1")
    channel.add("needs-gpu", "1.0", "__cuda")
    channel.add("needs-new-libc", "1.0", "__glibc >=2.40")
    channel.add("needs-debian-libc", "1.0", "__glibc >=2.36")
    return channel.index()


@pytest.fixture
def strip_hashes() -> Callable[[SmallChannel, str], None]:
    """Takes one kind of hash out of a channel's repodata, as channels have it that do not tell it."""

    def strip(channel: SmallChannel, kind: str) -> None:
        for path in channel.folder.rglob("repodata.json"):
            repodata = json.loads(path.read_text())
            for packages in (repodata["packages"], repodata["packages.conda"]):
                for record in packages.values():
                    del record[kind]
            path.write_text(json.dumps(repodata))
            for faster in ("repodata.json.zst", "repodata_shards.msgpack.zst"):
                (path.parent / faster).unlink()

    return strip


@pytest.fixture
def index(tmp_path: Path) -> SmallIndex:
    """An index with packages for several Pythons and platforms, some that exclude each other, and one of sources."""
    index = SmallIndex(tmp_path / "index")
    for version in ("1.0", "2.0", "2.1"):
        index.add("Colours", version)
    index.add("tables", "1.0", "numpy>=1.20", "colours>=1", "plots; extra == 'plot'")
    index.add("plots", "1.0", "colours<2", "numpy>=2")
    index.add("paint", "1.0", "colours>=2")
    index.add("old-paint", "1.0", "colours<2")
    for python in ("cp37-cp37m", "cp311-cp311", "cp313-cp313"):
        for platform in ("manylinux2014_x86_64", "manylinux2014_aarch64", "manylinux_2_39_x86_64", "win_amd64"):
            index.add("fast", "1.0", tag=f"{python}-{platform}")
    index.add("fast", "0.9", tag="cp310-cp310-manylinux2014_x86_64")
    index.add("windows-only", "1.0", tag="cp311-cp311-win_amd64")
    index.add_source("source", "1.0")
    index.add_source("mixed", "2.0")
    index.add("mixed", "1.0")
    return index.index()
