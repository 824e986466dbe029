"""See that a host's engine has the base image: found, sent from here, or pulled there.

What runs the same architecture as this machine's engine gets its image, the same one by its ID. Another gets its own
from a registry.
"""

from __future__ import annotations

from contextlib import closing

from docker import DockerClient, errors

from dockerflow.config import Config
from dockerflow.engines.boundary import translated
from dockerflow.engines.docker import DockerHost
from dockerflow.engines.errors import EngineError
from dockerflow.images import copying
from dockerflow.images.far import FarEngine
from dockerflow.images.remote import Remote
from dockerflow.setup import base_image
from dockerflow.setup.finding import Finding, Notify


def ensure(host: DockerHost, config: Config, notify: Notify) -> Finding:
    """Raises EngineError or ImageError where an engine ends a transfer. An image that cannot be had is a finding."""
    name = config.base_image
    with translated("ask for the base image", host.url):
        found = base_image.look(host.client, name)
    if found.state != "missing":
        return found
    here = _here(config) if host.is_remote else None
    if here is not None:
        with closing(here):
            if here.platform == host.platform and _has(here.client, name):
                return _sent(here, host, config, notify)
    notify(Finding(base_image.SUBJECT, "doing", f"pulling `{name}` there"))
    refused = base_image.pull(host.client, name)
    if refused is None:
        return Finding(base_image.SUBJECT, "made", f"the host pulled `{name}`")
    return Finding(
        base_image.SUBJECT,
        "missing",
        f"the host does not have `{name}`, and cannot pull it: {refused}",
        "run `dockerflow setup`: what this machine has is sent there"
        if here is None or here.platform == host.platform
        else f"load it there with `docker load`: it must be called `{name}`, and be for {host.platform}",
    )


def _here(config: Config) -> DockerHost | None:
    try:
        return DockerHost.connect(config.engine)
    except EngineError:
        return None


def _has(client: DockerClient, name: str) -> bool:
    try:
        client.images.get(name)
    except errors.DockerException:
        return False
    return True


def _sent(here: DockerHost, host: DockerHost, config: Config, notify: Notify) -> Finding:
    name = config.base_image
    size = f"{here.client.images.get(name).attrs['Size'] / 2**20:.0f} MiB"
    notify(Finding(base_image.SUBJECT, "doing", f"sending `{name}` there, {size}"))
    far = FarEngine(Remote(host.name, host.client, host.url, host.platform), config.cache_dir)
    copying.copy(here.client, far, name)
    return Finding(base_image.SUBJECT, "made", f"sent `{name}` there, {size}")
