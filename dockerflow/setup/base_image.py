"""See that the engine has the base image: found, pulled, or made from Debian's packages.

The image that is made is Debian's minimal system under the name that was asked for, with manuals and translations left
out as in Debian's own slim images (see `debian_image`). It is made for the names of Debian bookworm alone; under any
other name it would be a lie.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import docker.errors
import requests
from docker import DockerClient

from dockerflow.setup import debian_image
from dockerflow.setup.debian import install, which, why_not_installable
from dockerflow.setup.errors import BaseNotReady, SetupError
from dockerflow.setup.finding import Finding, Notify, ignore

SUBJECT = "base image"

CAN_BE_MADE = re.compile(r"(docker\.io/)?(library/)?debian:(bookworm|12)(-slim)?$")
PACKAGES = ("mmdebstrap", "debian-archive-keyring")

# Between two words of a registry. A network without one says no at once, or nothing at all.
PULL_SECONDS = 20


def look(client: DockerClient, name: str) -> Finding:
    """Whether the engine has the image. Changes nothing."""
    try:
        size = client.images.get(name).attrs["Size"]
    except docker.errors.ImageNotFound:
        return Finding(SUBJECT, "missing", f"the engine does not have `{name}`", "run `dockerflow setup`")
    except docker.errors.DockerException as error:
        return Finding(SUBJECT, "broken", f"the engine cannot say whether it has `{name}`: {error}")
    return Finding(SUBJECT, "ok", f"the engine has `{name}`, {size / 2**20:.0f} MiB")


def ensure(client: DockerClient, name: str, notify: Notify = ignore) -> Finding:
    """The image on the engine, pulled or made if need be. Raises BaseNotReady."""
    found = look(client, name)
    if found.good:
        return found
    notify(Finding(SUBJECT, "doing", f"pulling `{name}`"))
    refused = pull(client, name)
    if refused is None:
        return Finding(SUBJECT, "made", f"pulled `{name}`")
    if not CAN_BE_MADE.match(name):
        raise BaseNotReady(
            f"The engine does not have `{name}`, and it cannot be pulled: {refused}",
            "load it with `docker load`, or leave the setting `base_image` at its default, which can be made here",
        )
    notify(Finding(SUBJECT, "doing", f"no registry answers: making `{name}` from Debian's packages"))
    make(client, name)
    return Finding(SUBJECT, "made", f"made `{name}` from Debian's packages")


def pull(client: DockerClient, name: str) -> str | None:
    """Pull the image; why it could not be pulled, or None."""
    try:
        with _limited(client, PULL_SECONDS):
            for word in client.api.pull(name, stream=True, decode=True):
                if "error" in word:
                    return str(word["error"])
    except docker.errors.APIError as error:
        return str(error.explanation or error)
    except (docker.errors.DockerException, requests.RequestException):
        return f"no registry answered within {PULL_SECONDS} seconds"
    return None


@contextmanager
def _limited(client: DockerClient, seconds: int) -> Iterator[None]:
    before, client.api.timeout = client.api.timeout, seconds
    try:
        yield
    finally:
        client.api.timeout = before


def make(client: DockerClient, name: str) -> None:
    """Make the image from Debian's packages, for any name. Raises BaseNotReady."""
    if which("mmdebstrap") is None:
        _install(name)
    debian_image.make(client, name)


def _install(name: str) -> None:
    reason = why_not_installable()
    if reason is not None:
        raise BaseNotReady(
            f"`{name}` cannot be pulled here, and not be made: `mmdebstrap` is missing and {reason}.",
            f"let the engine reach a registry, or load the image with `docker load`; it must be called `{name}`",
        )
    try:
        install(PACKAGES)
    except SetupError as error:
        raise BaseNotReady(f"`mmdebstrap` could not be installed. {error.message}", error.hint) from None
