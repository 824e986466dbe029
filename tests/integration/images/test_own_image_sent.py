"""Images that steps bring along, on remote hosts that cannot pull them: sent from the engine of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from docker import DockerClient

from dockerflow.engines.docker import DockerHost
from dockerflow.images.errors import OwnImageError
from dockerflow.images.far import FarEngine
from dockerflow.images.own_image import OwnImages, Wanted
from dockerflow.images.remote import Remote
from dockerflow.progress import Event, ImageSending, OwnImageReady
from tests.hosts.fixtures import RemoteHosts
from tests.integration.engines.conftest import image as whole_image  # noqa: F401 - a fixture, made only once

# Of a registry that is not there: nothing listens at that port, and no other machine is asked.
UNKNOWN = "127.0.0.1:1/dockerflow-test/sent:own"


@pytest.fixture
def only_here(whole_image: str, docker_client: DockerClient) -> Iterator[str]:  # noqa: F811
    docker_client.api.tag(whole_image, *UNKNOWN.rsplit(":", 1))
    yield UNKNOWN
    docker_client.api.remove_image(UNKNOWN)


def images(host: DockerHost, cache: Path, here: DockerClient | None) -> OwnImages:
    far = FarEngine(Remote(host.name, host.client, host.url, host.platform), cache)
    return OwnImages(host.client, cache, host.platform, host.user, far, here)


@pytest.mark.parametrize("kind", ["docker 20.10", "moby v2", "podman"])
def test_an_image_that_a_host_cannot_pull_is_sent_once(
    kind: str, remote_host: RemoteHosts, docker_client: DockerClient, only_here: str, tmp_path: Path
) -> None:
    wanted = Wanted(only_here, ("start",), "step `start` (flow.py:4)")
    events: list[Event] = []
    with closing(DockerHost.reach(remote_host(kind).settings)) as host:
        without = images(host, tmp_path, None)
        with pytest.raises(OwnImageError, match=f"^host `{host.name}`: step `start` .* cannot be pulled") as refused:
            without.provide(wanted, events.append)
        assert "what the engine of this machine has is sent" in str(refused.value.hint)
        made = images(host, tmp_path, docker_client).provide(wanted, events.append)
        sent = [event for event in events if isinstance(event, ImageSending)]
        assert {event.host for event in sent} == {host.name}
        assert sent[-1].sent > 0.9 * sent[-1].total
        assert made.id == host.client.images.get(only_here).id
        assert without.provide(wanted, events.append).id == made.id
    ready = [event for event in events if isinstance(event, OwnImageReady)]
    assert [(event.pulled, event.sent_to) for event in ready] == [(False, host.name), (False, "")]
