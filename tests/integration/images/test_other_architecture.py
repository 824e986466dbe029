"""Images for hosts of another architecture, made on this machine from packages and a base for that one.

No machine here runs arm64, so what is tested is all that comes before a container would run there. The packages are
the test channel's own, which say that they are for `linux-aarch64`; the base is a folder that says it is for arm64.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from docker import DockerClient

from dockerflow.environments.lock import Lock
from dockerflow.environments.solver import solve
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.images.base import base_image
from dockerflow.images.builder import ImageBuilder
from dockerflow.images.errors import CompileError
from dockerflow.images.load import ensure
from dockerflow.images.provide import ImageProvider
from dockerflow.images.remote import Remote
from dockerflow.setup.channel import LocalChannel
from tests.channel import PYTHON
from tests.conftest import BASE_IMAGE

OTHER = "linux-aarch64"

# What says in a program for which machine it is.
_ELF = b"\x7fELF"
_MACHINE, _AARCH64 = 18, b"\xb7\x00"


@pytest.fixture(scope="module")
def channel(test_channel: LocalChannel, tmp_path_factory: pytest.TempPathFactory) -> LocalChannel:
    """Python and a pure package for the other platform."""
    found = LocalChannel(tmp_path_factory.mktemp("aarch64") / "channel")
    lock = solve(EnvironmentSpec(PYTHON, (("packaging", "24.1"),), (test_channel.url,), "linux-64"))
    for package in lock.packages:
        relabelled(Path(package.url.removeprefix("file://")), found.folder)
    found.index()
    return found


@pytest.fixture(scope="module")
def lock(channel: LocalChannel) -> Lock:
    return solve(EnvironmentSpec(PYTHON, (("packaging", "24.1"),), (channel.url,), OTHER))


@pytest.fixture(scope="module")
def arm_base(docker_client: DockerClient) -> Iterator[str]:
    """The name of a base for arm64 on the engine."""
    name = f"dockerflow-test/arm64:{uuid.uuid4().hex[:8]}"
    layer = packed({"etc/hostname": name.encode()})
    diff_id = f"sha256:{hashlib.sha256(layer).hexdigest()}"
    config = {"architecture": "arm64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [diff_id]}}
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    files = {"config.json": config, "manifest.json": manifest}
    written = {path: json.dumps(one).encode() for path, one in files.items()}
    docker_client.images.load(packed({"layer.tar": layer, **written}))
    yield name
    docker_client.images.remove(name, force=True)


def packed(files: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return written.getvalue()


def relabelled(archive: Path, channel: Path) -> None:
    """A copy of a package that is for the other platform, where it is for one at all."""
    folder = channel / archive.parent.name.replace("linux-64", OTHER)
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(folder / archive.name, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, _relabelled(content) if name.endswith(".tar.zst") else content)


def _relabelled(packed: bytes) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(packed) as reader:
        read = io.BytesIO(reader.read())
    written = io.BytesIO()
    with tarfile.open(fileobj=read) as old, tarfile.open(fileobj=written, mode="w") as new:
        for member in old:
            file = old.extractfile(member) if member.isreg() else None
            content = file.read() if file is not None else b""
            if member.name == "info/index.json":
                content = _for_other(content)
            elif content.startswith(_ELF):
                content = content[:_MACHINE] + _AARCH64 + content[_MACHINE + len(_AARCH64) :]
            member.size = len(content)
            new.addfile(member, io.BytesIO(content))
    return zstandard.ZstdCompressor().compress(written.getvalue())


def _for_other(index: bytes) -> bytes:
    found = json.loads(index)
    if found["subdir"] == "linux-64":
        found |= {"subdir": OTHER, "arch": "aarch64", "platform": "linux"}
    return json.dumps(found).encode()


def remote(client: DockerClient, here: ImageProvider) -> Remote:
    return Remote("arm-box", client, "ssh://arm-box", OTHER, here=here)


def test_the_image_is_for_the_other_architecture(
    docker_client: DockerClient, lock: Lock, arm_base: str, tmp_path: Path
) -> None:
    assert lock.platform == OTHER
    assert all(f"/{OTHER}/" in one.url or "/noarch/" in one.url for one in lock.packages)
    image = ImageBuilder(tmp_path, base_image(docker_client, arm_base, tmp_path)).build(lock)
    assert json.loads(image.config)["architecture"] == "arm64"
    try:
        ensure(docker_client, image)
        assert docker_client.images.get(image.reference).attrs["Architecture"] == "arm64"
    finally:
        docker_client.images.remove(image.reference, force=True)


def test_the_base_is_that_hosts_and_not_ours(docker_client: DockerClient, arm_base: str, tmp_path: Path) -> None:
    here = ImageProvider(docker_client, BASE_IMAGE, tmp_path)
    made = ImageProvider(docker_client, arm_base, tmp_path, remote(docker_client, here))
    assert (made.base.name, made.base.architecture) == (arm_base, "arm64")


def test_a_host_that_cannot_run_its_own_architecture_is_named(
    docker_client: DockerClient, lock: Lock, arm_base: str, tmp_path: Path
) -> None:
    here = ImageProvider(docker_client, BASE_IMAGE, tmp_path)
    made = ImageProvider(docker_client, arm_base, tmp_path, remote(docker_client, here))
    with pytest.raises(CompileError) as error:
        made.provide(lock)
    assert error.value.message.startswith("host `arm-box`: the environment's Python could not compile its packages: ")
    assert "exec format error" in error.value.message.lower()
    assert error.value.hint == "that engine does not run programs of the image's architecture, which it says is its own"
