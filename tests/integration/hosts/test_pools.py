"""Which hosts a run begins with, of those that its steps name: told before there is a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from dockerflow import progress
from dockerflow.buckets.opening import open_store
from dockerflow.config import load_config
from dockerflow.engines.errors import EngineNotFound, NoGpu
from dockerflow.flow.loading import load
from dockerflow.host_settings import HostSettings
from dockerflow.scheduler.errors import RunError
from dockerflow.scheduler.hosts import Hosts, Wanted, ready
from dockerflow.store.directory import DirectoryStore
from tests.channel import PYTHON
from tests.hosts.fixtures import RemoteHost
from tests.object_servers import Bucket, UseBucket

FLOW = """
from dockerflow import FlowSpec, conda_base, local, remote, resources, step

@conda_base(python="{python}")
class Pooled(FlowSpec):
    {mark}
    @step
    def start(self):
        self.next(self.end)

    @local
    @step
    def end(self):
        pass
"""

# Nobody is there: the address is for documentation (RFC 5737), and the port of a host that refuses is nobody's.
NOBODY = HostSettings("nobody", "tcp://127.0.0.1:9")


class Scene:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[progress.Event] = []
        self.config = load_config(folder)
        self.store = (
            open_store(self.config.store, self.config) if self.config.store else DirectoryStore(folder / "here")
        )

    def wanted(self, mark: str, *hosts: HostSettings) -> Wanted:
        (self.folder / "flow.py").write_text(FLOW.format(python=PYTHON, mark=mark))
        flow = load(str(self.folder / "flow.py")).flow
        config = replace(self.config, hosts={each.name: each for each in hosts})
        return Wanted(flow, config, self.store)

    @contextmanager
    def ready(self, mark: str, *hosts: HostSettings) -> Iterator[Hosts]:
        with ready(self.wanted(mark, *hosts), self.told.append) as found:
            yield found

    def noted(self) -> list[str]:
        return [event.text for event in self.told if isinstance(event, progress.Noted)]


@pytest.fixture
def scene(tmp_path: Path, minio_bucket: Bucket, use_bucket: UseBucket, docker_client) -> Scene:
    use_bucket(minio_bucket, "pools")
    return Scene(tmp_path)


@pytest.fixture
def host(remote_host, minio_bucket) -> RemoteHost:
    found: RemoteHost = remote_host("docker 20.10").reaching(minio_bucket.server)
    return found


def test_a_host_of_a_pool_that_cannot_be_reached_is_left_out_and_named(scene: Scene, host: RemoteHost) -> None:
    with scene.ready(f'@remote(host="nobody,{host.name}")', NOBODY, host.settings) as found:
        assert found.places["start"] == (host.name,)
    assert [text for text in scene.noted() if "goes on without the host `nobody`" in text]


def test_a_host_that_a_step_cannot_do_without_is_an_error_that_names_it(scene: Scene) -> None:
    with pytest.raises(EngineNotFound, match="nobody"), scene.ready('@remote(host="nobody")', NOBODY):
        pass


def test_a_store_in_a_folder_is_refused_for_a_remote_host_with_the_lines_that_mend_it(
    scene: Scene, host: RemoteHost
) -> None:
    scene.store = DirectoryStore(scene.folder / "here")
    refused = pytest.raises(RunError, match=f"step `start` is to run on the host `{host.name}`")
    with refused as raised, scene.ready("@remote", host.settings):
        pass
    assert str(scene.folder / "here") in raised.value.message
    assert "    store: s3://BUCKET/PREFIX\n    s3_endpoint: http://ADDRESS:9000" in (raised.value.hint or "")


def test_a_step_that_fits_on_no_host_is_refused(scene: Scene, host: RemoteHost) -> None:
    refused = pytest.raises(RunError, match=r"asks for 99,000,000 MiB of memory, and the host")
    with refused, scene.ready("@remote(memory=99000000)", host.settings):
        pass


def test_a_gpu_that_no_host_has_is_refused_as_the_engine_says_it(scene: Scene, host: RemoteHost) -> None:
    with pytest.raises(NoGpu, match="step `start` asks for a GPU"), scene.ready("@remote(gpu=1)", host.settings):
        pass


def test_of_a_pool_the_host_that_had_the_image_is_preferred(
    scene: Scene, host: RemoteHost, remote_host, minio_bucket
) -> None:
    other = remote_host("docker 20.10", number=2, empty=True).reaching(minio_bucket.server)
    with scene.ready(f'@remote(host="{host.name}")', host.settings):
        pass
    with scene.ready(f'@remote(host="{other.name},{host.name}")', other.settings, host.settings) as found:
        assert found.places["start"] == (host.name, other.name)
    with scene.ready(f'@remote(host="{other.name},{host.name}")', other.settings, host.settings) as found:
        assert found.places["start"] == (other.name, host.name)
