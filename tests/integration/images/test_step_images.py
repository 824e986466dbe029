"""Step images on a real engine, from the packages of the tests' channel: built, loaded, run, shared."""

from __future__ import annotations

import json
import pickle
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker.errors
import pytest
from docker import DockerClient

from dockerflow import makers
from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.environments.solver import solve
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.images import load
from dockerflow.images.base import base_image
from dockerflow.images.builder import ImageBuilder
from dockerflow.images.bytecode import Module, Sources
from dockerflow.images.compiler import LABEL, ContainerCompiler
from dockerflow.images.errors import BaseImageError, DiskFullError, LoadError, PackageError
from dockerflow.images.image import Layer, StepImage
from dockerflow.images.layer_cache import LayerCache
from dockerflow.images.load import Sent, ensure, is_present
from dockerflow.images.provide import ImageProvider
from dockerflow.images.tar import LayerWriter
from dockerflow.progress import Event, ImageReady, ImageSending, LayerMended, ignore
from dockerflow.setup.channel import LocalChannel
from tests.channel import PANDAS_NEW, PYTHON
from tests.conftest import BASE_IMAGE
from tests.containers import AS_A_STEP, printed
from tests.unit.images.made import File, Made, lock_of, locked


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("images")


def lock(channel: LocalChannel, *libraries: tuple[str, str]) -> Lock:
    return solve(EnvironmentSpec(PYTHON, libraries, (channel.url,), "linux-64"))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> LockedPackage:
    """A package that no other lock has: equal locks have one image, and these tests remove theirs."""
    made = Made("ours", {"share/ours": File(uuid.uuid4().bytes)})
    return locked(made, made.write(tmp_path_factory.mktemp("ours")))


@pytest.fixture(scope="module")
def old(test_channel: LocalChannel, ours: LockedPackage) -> Lock:
    return with_package(lock(test_channel, ("packaging", "23.2")), ours)


@pytest.fixture(scope="module")
def new(test_channel: LocalChannel, ours: LockedPackage) -> Lock:
    return with_package(lock(test_channel, ("packaging", "24.1")), ours)


def with_package(lock: Lock, package: LockedPackage) -> Lock:
    return Lock(lock.platform, (*lock.packages, package), lock.requested, lock.channels, lock.spec_hash)


@pytest.fixture(scope="module", autouse=True)
def _nothing_left(docker_client: DockerClient, old: Lock, new: Lock) -> Iterator[None]:
    yield
    for lock_hash in (old.lock_hash, new.lock_hash):
        for image in docker_client.images.list(filters={"label": f"dockerflow.lock={lock_hash}"}):
            docker_client.images.remove(str(image.id), force=True)


def provide(client: DockerClient, cache: Path, lock: Lock) -> tuple[StepImage, ImageReady]:
    events: list[Event] = []
    image = ImageProvider(client, BASE_IMAGE, cache).provide(lock, events.append, ("step",))
    ready = events[-1]
    assert isinstance(ready, ImageReady)
    sending = [event for event in events if isinstance(event, ImageSending)]
    assert not sending or sending[-1].sent == sending[-1].total
    return image, ready


def run(client: DockerClient, image: StepImage, *command: str, **options: Any) -> str:
    return printed(client, image.reference, command, **{**AS_A_STEP, **options})


def python(client: DockerClient, image: StepImage, program: str) -> Any:
    return json.loads(run(client, image, "python", "-c", f"import json; print(json.dumps({program}))"))


def forget(client: DockerClient, *images: StepImage) -> None:
    for image in images:
        if is_present(client, image):
            client.images.remove(image.reference, force=True)


def test_two_locks_give_two_images_each_with_its_library(
    docker_client: DockerClient, cache: Path, old: Lock, new: Lock
) -> None:
    for wanted, version in ((old, "23.2"), (new, "24.1")):
        image, _ = provide(docker_client, cache, wanted)
        program = "[__import__('packaging').__version__, __import__('sys').prefix]"
        assert python(docker_client, image, program) == [version, "/opt/env"]


def test_the_engine_has_exactly_the_image_that_the_lock_implies(
    docker_client: DockerClient, cache: Path, old: Lock
) -> None:
    image, _ = provide(docker_client, cache, old)
    found = docker_client.api.inspect_image(image.reference)  # type: ignore[no-untyped-call]
    assert found["Id"] in (image.config_digest, image.manifest_digest)
    assert found["RootFS"]["Layers"] == [layer.diff_id for layer in image.layers]
    assert found["Config"]["Labels"]["dockerflow.lock"] == old.lock_hash
    assert len(image.layers) <= 64


def test_a_second_time_nothing_is_built_and_nothing_sent(docker_client: DockerClient, cache: Path, old: Lock) -> None:
    provide(docker_client, cache, old)
    _, ready = provide(docker_client, cache, old)
    assert (ready.layers_built, ready.layers_sent, ready.bytes_sent) == (0, 0, 0)


def test_an_empty_cache_gives_the_same_image_bytecode_included(
    docker_client: DockerClient, cache: Path, tmp_path: Path, old: Lock
) -> None:
    one, _ = provide(docker_client, cache, old)
    other, ready = provide(docker_client, tmp_path, old)
    assert (one.config_digest, one.manifest_digest) == (other.config_digest, other.manifest_digest)
    assert any("bytecode" in layer.title for layer in other.layers)
    assert ready.layers_built > 0
    assert ready.layers_sent == 0, "the engine had it already"


def test_only_the_layers_that_differ_are_sent(docker_client: DockerClient, cache: Path, old: Lock, new: Lock) -> None:
    first, _ = provide(docker_client, cache, old)
    second, _ = provide(docker_client, cache, new)
    forget(docker_client, second)
    _, ready = provide(docker_client, cache, new)
    assert ready.layers_sent == sum(layer not in first.layers for layer in second.layers) == 2, "it and its bytecode"
    assert ready.bytes_sent < 2_000_000 < sum(layer.size for layer in second.layers)


def test_what_cannot_be_restored_is_told_and_not_tried_again(
    docker_client: DockerClient, cache: Path, old: Lock, new: Lock
) -> None:
    provide(docker_client, cache, old)
    image, _ = provide(docker_client, cache, new)
    forget(docker_client, image)
    asked: list[int] = []

    def restore(layers: Sequence[Layer]) -> None:
        asked.append(len(layers))
        raise PackageError("gone from its channel")

    with pytest.raises(PackageError, match="gone from its channel"):
        ensure(docker_client, image, restore=restore)
    assert asked == [2], "only what the engine lacks"


def test_modules_are_imported_from_bytecode_that_is_valid_for_good(
    docker_client: DockerClient, cache: Path, old: Lock
) -> None:
    image, _ = provide(docker_client, cache, old)
    flags = "int.from_bytes(open(__import__('packaging').__cached__, 'rb').read(8)[4:], 'little')"
    assert python(docker_client, image, flags) == 0b01, "by hash, unchecked (PEP 552)"


def test_a_first_import_of_pandas_compiles_nothing_and_writes_nothing(
    docker_client: DockerClient, shared_cache: Path, test_channel: LocalChannel
) -> None:
    """As root, and allowed to write bytecode: every module comes from bytecode that is there."""
    wanted = lock(test_channel, ("pandas", PANDAS_NEW))
    image, _ = provide(docker_client, shared_cache, wanted)
    container = docker_client.containers.create(
        image.reference,
        ["python", "-v", "-c", "import pandas; pandas.DataFrame"],
        environment={"PYTHONDONTWRITEBYTECODE": ""},
        network_disabled=True,
    )
    try:
        container.start()
        assert container.wait()["StatusCode"] == 0
        said = container.logs(stdout=False).decode().splitlines()
        changed = [str(one["Path"]) for one in container.diff() or ()]
    finally:
        container.remove(force=True)
    from_bytecode = [line for line in said if line.startswith("# code object from '/opt/env/") and ".pyc'" in line]
    from_source = [line for line in said if line.startswith("# code object from /opt/env/")]
    assert sum("/site-packages/pandas/" in line for line in from_bytecode) > 100
    assert from_source == []
    assert not [path for path in changed if "__pycache__" in path]


def test_a_layer_damaged_in_the_cache_is_mended_while_loading(
    docker_client: DockerClient, tmp_path: Path, cache: Path, old: Lock
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(cache, copy)
    image, _ = provide(docker_client, copy, old)
    forget(docker_client, image)
    damaged = image.layers[-2].path
    damaged.write_bytes(b"\1" * damaged.stat().st_size)
    image.layers[-1].path.unlink()
    events: list[Event] = []
    again = ImageProvider(docker_client, BASE_IMAGE, copy).provide(old, events.append, ("step",))
    assert again == image
    assert python(docker_client, image, "__import__('packaging').__version__") == "23.2"
    assert LayerMended(("step",), image.layers[-2].title) in events, "it is told"


def test_two_at_once_give_one_image(docker_client: DockerClient, tmp_path: Path, old: Lock) -> None:
    found: list[StepImage] = []
    threads = [
        threading.Thread(target=lambda: found.append(provide(docker_client, tmp_path, old)[0])) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert found[0] == found[1]


def test_an_image_under_another_name_only_gets_its_name_back(
    docker_client: DockerClient, cache: Path, old: Lock
) -> None:
    image, _ = provide(docker_client, cache, old)
    docker_client.api.tag(image.reference, "dockerflow/test", "other")
    try:
        docker_client.images.remove(image.reference)
        assert ensure(docker_client, image) == Sent(0, 0)
        assert is_present(docker_client, image)
    finally:
        docker_client.images.remove("dockerflow/test:other")


def test_another_image_under_the_reference_is_replaced(docker_client: DockerClient, cache: Path, old: Lock) -> None:
    image, _ = provide(docker_client, cache, old)
    forget(docker_client, image)
    repository, tag = image.reference.rsplit(":", 1)
    docker_client.api.tag(BASE_IMAGE, repository, tag)
    ensure(docker_client, image)
    assert docker_client.images.get(image.reference).id in (image.config_digest, image.manifest_digest)


def test_an_archive_that_lacks_what_the_engine_lacks_is_an_error_and_the_complete_one_mends_it(
    docker_client: DockerClient, tmp_path: Path
) -> None:
    image = ImageBuilder(tmp_path, base_image(docker_client, BASE_IMAGE, tmp_path)).build(
        lock_of(tmp_path / "channel", [Made("a", {"lib/a": File(b"a")}), Made("b", {"lib/b": File(b"b")})], ("a", "b"))
    )
    forget(docker_client, image)
    sending = load.Sending(docker_client, image, ignore, (), None)
    with pytest.raises(LoadError, match=image.reference):
        load.load_layers(sending, image.layers[-1:])
    assert not is_present(docker_client, image)
    assert 2 <= ensure(docker_client, image).layers <= 3, "the engine has the base, and `dockerflow` from other images"
    assert run(docker_client, image, "cat", "/opt/env/lib/a", "/opt/env/lib/b") == "ab"
    forget(docker_client, image)


def test_what_the_engine_answers_is_read_to_its_end(docker_client: DockerClient) -> None:
    """The containerd store says success first and the error after it."""
    fine = [b'{"stream":"Loaded image: x"}', b"", b"plain words", b"[1]"]
    load.check_answer(iter(fine), "loading")
    for bad in (b'{"stream":"Error unpacking image x: missing"}', b'{"errorDetail":{"message":"m"},"error":"m"}'):
        with pytest.raises(LoadError, match="loading"):
            load.check_answer(iter([*fine, bad]), "loading")
    with pytest.raises(DiskFullError, match="no space left on the engine's disk"):
        load.check_answer(iter([b'{"error":"write /var/lib/x: no space left on device"}']), "loading")


ACTIVATED = Made(
    "activated",
    {
        "etc/conda/activate.d/b.sh": File(
            b'read -r line; echo printed\nfunction in-bash() { export FROM_SCRIPT="$FROM_VARIABLES $1"; }\nin-bash it\n'
        ),
        "etc/conda/env_vars.d/activated.json": File(b'{"FROM_VARIABLES": "a \'quoted\' $value"}'),
        "site-packages/activated/__init__.py": File(b"def main():\n    print('called', __name__)\n"),
    },
    noarch="python",
    entry_points=("activated = activated:main",),
    depends=("python",),
)


def test_a_command_starts_in_the_activated_environment_with_its_streams_untouched(
    docker_client: DockerClient, cache: Path, tmp_path: Path, old: Lock
) -> None:
    wanted = with_package(old, locked(ACTIVATED, ACTIVATED.write(tmp_path)))
    image, _ = provide(docker_client, cache, wanted)
    names = ("CONDA_PREFIX", "FROM_SCRIPT", "FROM_VARIABLES", "LANG")
    program = f"{{name: __import__('os').environ.get(name) for name in {names}}}"
    assert python(docker_client, image, program) == {
        "CONDA_PREFIX": "/opt/env",
        "FROM_SCRIPT": "a 'quoted' $value it",
        "FROM_VARIABLES": "a 'quoted' $value",
        "LANG": "C.UTF-8",
    }
    assert run(docker_client, image, "activated") == "called activated\n"
    forget(docker_client, image)


def test_the_places_for_the_store_and_for_work_are_there(docker_client: DockerClient, cache: Path, old: Lock) -> None:
    image, _ = provide(docker_client, cache, old)
    output = run(
        docker_client, image, "stat", "-c", "%a %n", "/dockerflow/blobs", "/dockerflow/outbox", "/work", "/tmp"
    )
    assert output.split("\n")[:4] == ["755 /dockerflow/blobs", "755 /dockerflow/outbox", "1777 /work", "1777 /tmp"]
    assert run(docker_client, image, "pwd") == "/work\n"


def test_a_base_image_that_cannot_be_had_is_an_error_that_says_how_to_get_one(
    docker_client: DockerClient, tmp_path: Path
) -> None:
    with pytest.raises(BaseImageError, match=r"`localhost:1/none:1` is not on the engine") as failed:
        base_image(docker_client, "localhost:1/none:1", tmp_path)
    assert "dockerflow setup" in str(failed.value.hint)


def test_what_an_engine_refuses_is_an_error_that_names_the_image(
    docker_client: DockerClient, cache: Path, old: Lock
) -> None:
    image, _ = provide(docker_client, cache, old)
    broken = StepImage(
        **{
            **vars(image),
            "reference": "dockerflow/step:broken",
            "config": b"{}",
            "config_digest": "sha256:" + "0" * 64,
            "manifest_digest": "sha256:" + "1" * 64,
        }
    )
    with pytest.raises(LoadError, match="dockerflow/step:broken"):
        ensure(docker_client, broken)


def test_modules_are_compiled_in_a_container_that_may_do_as_little_as_possible(
    docker_client: DockerClient, cache: Path, old: Lock, tmp_path: Path
) -> None:
    image, _ = provide(docker_client, cache, old)
    layer = LayerCache(tmp_path).write("key", "t", _modules)
    compiler = ContainerCompiler(docker_client)
    created = compiler.created(image)
    seen = docker_client.api.inspect_container(created)
    docker_client.api.remove_container(created)
    host = seen["HostConfig"]
    assert seen["Config"]["User"] == "65534:65534"
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["PidsLimit"] == 4096
    assert host["NetworkMode"] == "none"
    assert 0 < host["Memory"] == host["MemorySwap"] < docker_client.info()["MemTotal"]
    assert seen["Mounts"] == []
    with compiler.session(image) as session:
        found = [session.compile(modules_of(layer)) for _ in range(2)]
    assert [sorted(one) for one in found] == [["opt/env/a.py", "opt/env/b/c.py"]] * 2


def modules_of(layer: Layer) -> Sources:
    with tarfile.open(layer.path) as tar:
        found = [Module(member.name, member.offset_data, member.size) for member in tar if member.isreg()]
    return Sources(layer, tuple(found))


KILLED = """
import os, pickle, signal, sys
import docker
from dockerflow import makers
from dockerflow.images.compiler import LABEL, ContainerCompiler
client = docker.from_env()
compiler, image = ContainerCompiler(client), pickle.load(sys.stdin.buffer)
if sys.argv[1] == "created":
    print(compiler.created(image), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
with compiler.session(image):
    mine = f"{LABEL}={makers.this_process()}"
    print(client.api.containers(filters={"label": mine})[0]["Id"], flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def killed_compiler(image: StepImage, state: str) -> str:
    """The container that a process had made when it was killed."""
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, state], input=pickle.dumps(image), stdout=subprocess.PIPE, timeout=120
    )
    assert killed.returncode == -signal.SIGKILL
    return killed.stdout.decode().strip()


def test_a_container_whose_maker_was_killed_before_it_ran_is_removed_by_the_next(
    docker_client: DockerClient, cache: Path, old: Lock
) -> None:
    image, _ = provide(docker_client, cache, old)
    left = killed_compiler(image, "created")
    assert docker_client.api.inspect_container(left)["Name"].startswith("/dockerflow-compile-")
    compiler = ContainerCompiler(docker_client)
    with compiler.session(image), compiler.session(image):
        there = docker_client.api.containers(all=True, filters={"label": LABEL})
        mine = [one for one in there if one["Labels"][LABEL] == makers.this_process()]
        assert len(mine) == 2  # their maker lives
        assert left not in [one["Id"] for one in there]


def test_a_container_that_compiles_ends_with_its_maker(docker_client: DockerClient, cache: Path, old: Lock) -> None:
    image, _ = provide(docker_client, cache, old)
    left = killed_compiler(image, "running")
    with suppress(docker.errors.NotFound):  # gone by itself, at the latest when this has waited for it
        docker_client.api.wait(left, condition="removed", timeout=60)
    with pytest.raises(docker.errors.NotFound):
        docker_client.api.inspect_container(left)


def _modules(out: LayerWriter) -> None:
    for path, data in (("a.py", b"x = 1\n"), ("b/c.py", b"y = 2\n"), ("bad.py", b"def\n")):
        out.file(f"opt/env/{path}", 0o644, 0, len(data), [data])
    out.close()
