"""Images on remote hosts: the same as here, only what is lacking, on after a cut, and no layer twice.

Most of an image here are packages that cannot be compressed, large enough for several pieces, and unlike any other
test's.
"""

from __future__ import annotations

import os
import pickle
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import docker
import pytest
from docker import DockerClient

from dockerflow.engines.docker import DockerHost
from dockerflow.environments.lock import Lock
from dockerflow.environments.solver import solve
from dockerflow.environments.spec import EnvironmentSpec
from dockerflow.host_settings import HostSettings
from dockerflow.images.builder import BEGINNING
from dockerflow.images.errors import LoadError
from dockerflow.images.far import PIECE, FarEngine
from dockerflow.images.image import StepImage
from dockerflow.images.load import is_present
from dockerflow.images.provide import ImageProvider
from dockerflow.images.remote import Remote
from dockerflow.images.wire import Encoding
from dockerflow.progress import Event, ImageReady, ImageSending, Notify, ignore
from dockerflow.setup.channel import LocalChannel
from tests.channel import PYTHON
from tests.conftest import BASE_IMAGE
from tests.containers import AS_A_STEP, printed
from tests.hosts.fixtures import RemoteHost, RemoteHosts
from tests.registries import registry
from tests.unit.images.made import File, Made, locked

KINDS = ("docker 20.10", "moby v2", "podman")
ENCODINGS = {"docker 20.10": Encoding.GZIP, "moby v2": Encoding.ZSTD, "podman": Encoding.ZSTD}

Printed = Callable[[], tuple[bytes, int]]
Reach = Callable[[RemoteHost], DockerHost]


@pytest.fixture
def reach() -> Iterator[Reach]:
    """Connects to a host for as long as the test runs."""
    with ExitStack() as stack:

        def connected(host: RemoteHost) -> DockerHost:
            found = DockerHost.reach(host.settings)
            stack.callback(found.close)
            return found

        yield connected


@pytest.fixture
def here(docker_client: DockerClient, tmp_path: Path) -> ImageProvider:
    return ImageProvider(docker_client, BASE_IMAGE, tmp_path / "cache")


def remote(host: DockerHost, here: ImageProvider | None, back: Callable[[], bool] | None = None) -> Remote:
    def look_and_wait() -> bool:
        host.watch.suspect()
        return host.watch.wait_until_back()

    return Remote(host.name, host.client, host.url, host.platform, back or look_and_wait, here=here)


def provider(
    host: DockerHost, here: ImageProvider, cache: Path, back: Callable[[], bool] | None = None
) -> ImageProvider:
    return ImageProvider(host.client, BASE_IMAGE, cache, remote(host, here, back))


def lock_with(channel: LocalChannel, folder: Path, names: str, size: int = PIECE + 1000) -> Lock:
    """Python, and packages of this test's own above it; those of one name in one folder are one package."""
    lock = solve(EnvironmentSpec(PYTHON, (), (channel.url,), "linux-64"))
    made = [Made(name, {f"share/{name}": File(random.Random(f"{folder}{name}").randbytes(size))}) for name in names]
    packages = [locked(one, one.write(folder)) for one in made]
    return Lock(lock.platform, (*lock.packages, *packages), tuple(names), lock.channels, lock.spec_hash)


def sent_to(made: ImageProvider, lock: Lock, notify: Notify = ignore) -> tuple[StepImage, ImageReady]:
    events: list[Event] = []

    def tell(event: Event) -> None:
        events.append(event)
        notify(event)

    image = made.provide(lock, tell, ("step",))
    assert isinstance(events[-1], ImageReady)
    return image, events[-1]


def beginnings(client: DockerClient) -> list[str]:
    return [tag for image in client.images.list() for tag in image.tags if BEGINNING in tag]


def size_of(image: StepImage, *names: str) -> int:
    return sum(layer.size for layer in image.layers if layer.title.partition(" ")[0] in names)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_host_gets_the_same_image_compressed_in_the_way_that_it_takes(
    kind: str, remote_host: RemoteHosts, reach: Reach, here: ImageProvider, test_channel: LocalChannel, tmp_path: Path
) -> None:
    there = remote_host(kind, empty=True)
    host = reach(there)
    lock = solve(EnvironmentSpec(PYTHON, (), (test_channel.url,), "linux-64"))
    assert FarEngine(remote(host, here), tmp_path / "cache").encoding is ENCODINGS[kind]
    image, ready = sent_to(provider(host, here, tmp_path / "cache"), lock)
    built_here = here.builder.build(lock)
    assert image == built_here
    assert is_present(there.client, image)
    assert ready.host == there.name
    assert 0 < ready.bytes_on_wire < ready.bytes_sent / 2
    assert printed(there.client, image.reference, ["python", "-c", "print(6 * 7)"], **AS_A_STEP) == "42\n"
    assert beginnings(there.client) == []


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_second_environment_only_what_is_new_goes_and_then_nothing(
    kind: str, remote_host: RemoteHosts, reach: Reach, here: ImageProvider, test_channel: LocalChannel, tmp_path: Path
) -> None:
    there = remote_host(kind)
    made = provider(reach(there), here, tmp_path / "cache")
    sent_to(made, lock_with(test_channel, tmp_path, "a", 1_000_000))
    events: list[Event] = []
    image, ready = sent_to(made, lock_with(test_channel, tmp_path, "ab", 1_000_000), events.append)
    assert (ready.layers_sent, ready.bytes_sent) == (1, size_of(image, "b"))
    told = [event for event in events if isinstance(event, ImageSending)]
    assert [(one.host, one.sent, one.total) for one in told] == [(there.name, ready.bytes_sent, ready.bytes_sent)]
    assert sent_to(made, lock_with(test_channel, tmp_path, "ab", 1_000_000))[1].bytes_sent == 0


@pytest.mark.parametrize(("kind", "how"), [("docker 20.10", "ssh"), ("moby v2", "tls"), ("podman", "ssh")])
def test_after_a_cut_it_goes_on_with_what_had_arrived(
    kind: str, how: str, remote_host: RemoteHosts, reach: Reach, here: ImageProvider, test_channel: LocalChannel,
    tmp_path: Path,
) -> None:  # fmt: skip
    there = remote_host(kind, how)  # type: ignore[arg-type]
    host = reach(there)
    lock = lock_with(test_channel, tmp_path, "abc")
    built = here.builder.build(lock)
    cuts: list[int] = []

    def cut(event: Event) -> None:
        """In the middle of `b`, when `a` is there."""
        before_b = event.total - size_of(built, "b", "c") if isinstance(event, ImageSending) else 0
        if isinstance(event, ImageSending) and event.sent > before_b + 5_000_000 and not cuts:
            cuts.append(event.sent)
            there.cut()

    def back() -> bool:
        """The first that is asked for when it was found out."""
        there.mend()
        host.watch.suspect()
        return host.watch.wait_until_back()

    image, ready = sent_to(provider(host, here, tmp_path / "cache", back), lock, cut)
    assert len(cuts) == 1
    assert is_present(there.client, image)
    assert ready.bytes_sent < cuts[0] + size_of(image, "b", "c"), "what had arrived was not sent again"
    assert beginnings(there.client) == []


def test_a_host_that_does_not_come_back_is_named(
    remote_host: RemoteHosts, reach: Reach, here: ImageProvider, test_channel: LocalChannel, tmp_path: Path
) -> None:
    there = remote_host("docker 20.10")
    host = reach(there)
    made = provider(host, here, tmp_path / "cache", lambda: False)
    with pytest.raises(LoadError, match=f"^host `{there.name}`: the engine failed while") as error:
        sent_to(made, lock_with(test_channel, tmp_path, "ab"), lambda event: there.cut())
    assert error.value.hint is not None
    assert error.value.hint.startswith(f"check it with `dockerflow hosts check {there.name}`")


_ANOTHER = """
import pickle, sys
from tests.integration.images.test_remote_images import as_another_process

as_another_process(*pickle.load(sys.stdin.buffer))
"""


def as_another_process(settings: HostSettings, cache: Path, lock: Lock, killed_before: int) -> None:
    """Have the host hold the image, and print how many bytes went; die when fewer than `killed_before` are left."""

    def notify(event: Event) -> None:
        if isinstance(event, ImageSending) and event.total - event.sent < killed_before:
            os.kill(os.getpid(), signal.SIGKILL)

    host = DockerHost.reach(settings)
    here = ImageProvider(docker.from_env(), BASE_IMAGE, cache)
    print(sent_to(provider(host, here, cache), lock, notify)[1].bytes_sent, flush=True)
    host.close()


@contextmanager
def another_process(there: RemoteHost, cache: Path, lock: Lock, killed_before: int = 0) -> Iterator[Printed]:
    """Gives what waits for its end, and then returns what it printed and its exit status."""
    with tempfile.TemporaryFile() as given:
        pickle.dump((there.settings, cache, lock, killed_before), given)
        given.seek(0)
        process = subprocess.Popen([sys.executable, "-c", _ANOTHER], stdin=given, stdout=subprocess.PIPE)

    def printed() -> tuple[bytes, int]:
        return process.communicate()[0], process.returncode

    with process:
        yield printed


def test_after_a_process_was_killed_the_next_one_goes_on(
    remote_host: RemoteHosts, reach: Reach, here: ImageProvider, test_channel: LocalChannel, tmp_path: Path
) -> None:
    there = remote_host("docker 20.10")
    lock = lock_with(test_channel, tmp_path, "abc")
    built = here.builder.build(lock)
    with another_process(there, tmp_path / "cache", lock, size_of(built, "b", "c") - 5_000_000) as killed:
        assert killed() == (b"", -signal.SIGKILL)
    assert beginnings(there.client) != []
    image, ready = sent_to(provider(reach(there), here, tmp_path / "cache"), lock)
    assert ready.bytes_sent == size_of(built, "b", "c")
    assert is_present(there.client, image)
    assert beginnings(there.client) == []


def test_two_processes_send_no_layer_twice(
    remote_host: RemoteHosts, here: ImageProvider, test_channel: LocalChannel, tmp_path: Path
) -> None:
    """Each has an image of its own above layers that both have."""
    there = remote_host("moby v2")
    locks = [lock_with(test_channel, tmp_path, names) for names in ("abx", "aby")]
    images = [here.builder.build(lock) for lock in locks]
    with ExitStack() as stack:
        processes = [stack.enter_context(another_process(there, tmp_path / "cache", lock)) for lock in locks]
        sent = sum(int(process()[0]) for process in processes)
    layers = {layer.diff_id: layer.size for image in images for layer in image.layers}
    assert sent <= sum(layers.values())
    assert all(is_present(there.client, image) for image in images)
    assert beginnings(there.client) == []


def test_without_an_engine_here_the_host_gives_the_base_and_compiles(
    remote_host: RemoteHosts, reach: Reach, here: ImageProvider, test_channel: LocalChannel, tmp_path: Path
) -> None:
    """With nothing taken from this machine's engine, the image is the same."""
    there = remote_host("docker 20.10", "tls")
    lock = solve(EnvironmentSpec(PYTHON, (("packaging", "24.1"),), (test_channel.url,), "linux-64"))
    host = reach(there)
    image, _ = sent_to(ImageProvider(host.client, BASE_IMAGE, tmp_path / "other", remote(host, None)), lock)
    assert image.config_digest == here.builder.build(lock).config_digest
    assert any(layer.title.startswith("bytecode of") for layer in image.layers)
    assert is_present(there.client, image)


@contextmanager
def forwarded(there: RemoteHost, address: str) -> Iterator[None]:
    """A server of this machine's loopback is at the same address of the host's."""
    command = ["ssh", "-o", "BatchMode=yes", "-R", f"{address}:{address}", there.machine.name, "echo up; cat"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:  # which ends its input, and with it the command
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        yield


@pytest.mark.parametrize("kind", ["docker 20.10", "moby v2"])
def test_through_a_registry_goes_only_what_that_lacks_and_no_name_of_it_is_left(
    kind: str, remote_host: RemoteHosts, reach: Reach, here: ImageProvider, test_channel: LocalChannel, tmp_path: Path
) -> None:
    there = remote_host(kind)
    with registry(tmp_path / "registry") as address, forwarded(there, address):
        host = reach(there)
        way = replace(remote(host, here), registry=f"{address}/team")
        made = ImageProvider(host.client, BASE_IMAGE, tmp_path / "cache", way)
        sent_to(made, lock_with(test_channel, tmp_path, "a", 1_000_000))
        image, ready = sent_to(made, lock_with(test_channel, tmp_path, "ab", 1_000_000))
    assert (ready.layers_sent, ready.bytes_sent) == (1, size_of(image, "b"))
    assert is_present(there.client, image)
    found = there.client.images.get(image.reference)
    assert [name for name in (*found.attrs["RepoTags"], *found.attrs["RepoDigests"]) if address in name] == []
    assert printed(there.client, image.reference, ["python", "-c", "print(6 * 7)"], **AS_A_STEP) == "42\n"
