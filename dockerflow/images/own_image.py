"""An image that a step brings along (`@image`): found on the engine, pulled or sent, and fixed to what it is now.

What a remote host neither has nor can pull is sent there from the engine of this machine, if that has it.

A name can mean another image tomorrow, so what counts is the engine's ID of it: containers are made from that, and the
record has it beside the digest under which a registry knows the image. What a task runs with is found by `own_python`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import docker.errors
from docker import DockerClient
from docker.utils import parse_repository_tag

from dockerflow.images import copying, own_python
from dockerflow.images.engine import engine_failure, explaining_engine, inspect, named_by_manifest, pull
from dockerflow.images.errors import OwnImageError, explaining_cache
from dockerflow.images.far import FarEngine
from dockerflow.images.image import OwnImage, OwnPython
from dockerflow.images.oci import architecture
from dockerflow.images.pinned import candidates
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.progress import ImagePulling, ImageSending, Notify, OwnImageReady


@dataclass(frozen=True)
class Wanted:
    """An image that `steps` ask for; `place` is the first of them with its file and line, for messages."""

    name: str
    steps: tuple[str, ...]
    place: str


@dataclass(frozen=True)
class OwnImages:
    """Images of users on one engine, which runs `platform` (a conda subdir) and tasks as `user` (`uid:gid`).

    `far` is set for the engine of a remote host, and `here` then is the one of this machine, if there is one.
    """

    client: DockerClient
    cache_dir: Path
    platform: str
    user: str
    far: FarEngine | None = None
    here: DockerClient | None = None

    def provide(self, wanted: Wanted, notify: Notify) -> OwnImage:
        """Have the engine hold the image, with a Python in it. Raises `ImageError`."""
        if self.far is None:
            return self._provide(wanted, notify)
        return self.far.surely(lambda: self._provide(wanted, notify))

    def _provide(self, wanted: Wanted, notify: Notify) -> OwnImage:
        began = time.monotonic()
        with explaining_engine(f"looking for the image `{wanted.name}`", OwnImageError):
            found = _find(self.client, wanted.name) or self._sent_before(wanted.name)
        was_there, sent_to = found is not None, ""
        if found is None:
            found, sent_to = self._had(wanted, notify)
        self._check_platform(wanted, found)
        with explaining_cache(self.cache_dir):
            python = own_python.find(self.client, self.cache_dir, found["Id"], self.user, wanted.name, wanted.place)
        image = _image(wanted.name, found, python)
        seconds = time.monotonic() - began
        pulled = not was_there and not sent_to
        notify(OwnImageReady(wanted.steps, image.name, image.id, python.version, pulled, seconds, sent_to))
        return image

    def _sent_before(self, name: str) -> Mapping[str, Any] | None:
        return None if self.here is None else copying.there(self.here, self.client, name)

    def _had(self, wanted: Wanted, notify: Notify) -> tuple[Mapping[str, Any], str]:
        """What the engine says of the image, pulled or else sent, and the host to which it was sent."""
        try:
            return _pulled(self.client, wanted, notify), ""
        except OwnImageError:
            ours = None if self.here is None else _find(self.here, wanted.name)
            if self.here is None or self.far is None or ours is None:
                raise
            self._check_platform(wanted, ours)
            total = int(ours.get("Size") or 0)

            def gone(size: int) -> None:
                notify(ImageSending(wanted.steps, wanted.name, min(size, total), total, host))

            host = self.far.remote.name
            return copying.copy(self.here, self.far, wanted.name, gone), host

    def _check_platform(self, wanted: Wanted, found: Mapping[str, Any]) -> None:
        """An engine may emulate another processor; a run that is ten times slower is nothing to find out later."""
        system, processor = found.get("Os") or "linux", found.get("Architecture") or ""
        ours = architecture(self.platform)
        if system != "linux" or (processor and processor != ours):
            raise OwnImageError(
                f"{wanted.place} asks for the image `{wanted.name}`, which is for {system} on {processor or 'unknown'};"
                f" the engine runs linux on {ours}",
                hint=f"name an image for {ours}, or pin one by its digest: `name@sha256:…`",
            )


def _find(client: DockerClient, name: str) -> Mapping[str, Any] | None:
    """What the engine says of the image; None if it lacks it. A digest is that of a registry or the engine's own ID:
    an image that was only ever on this engine has no other.
    """
    found = inspect(client, name)
    digest = name.partition("@")[2]
    return found or next((local for local in candidates(client, name) if local["Id"] == digest), None)


def _pulled(client: DockerClient, wanted: Wanted, notify: Notify) -> Mapping[str, Any]:
    notify(ImagePulling(wanted.steps, wanted.name, 0, 0))
    done: dict[str, int] = {}
    total: dict[str, int] = {}

    def heard(line: Mapping[str, Any]) -> None:
        detail = line.get("progressDetail") or {}
        if line.get("status") == "Downloading" and detail.get("total"):
            layer = str(line.get("id"))
            done[layer], total[layer] = int(detail["current"]), int(detail["total"])
            notify(ImagePulling(wanted.steps, wanted.name, sum(done.values()), sum(total.values())))

    try:
        return pull(client, wanted.name, heard)
    except docker.errors.DockerException as error:
        raise _cannot_be_had(client, wanted, str(getattr(error, "explanation", None) or error)) from error


def _cannot_be_had(client: DockerClient, wanted: Wanted, reason: str) -> Exception:
    if "no space left" in reason:
        return engine_failure(f"pulling the image `{wanted.name}`", reason, OwnImageError)
    there = " or ".join(local["Id"] for local in islice(candidates(client, wanted.name), 3))
    other = f"; the engine's `{wanted.name.partition('@')[0]}` is {there}" if there else ""
    return OwnImageError(
        f"{wanted.place} asks for the image `{wanted.name}`, which is not on the engine and cannot be pulled:"
        f" {reason.strip().rstrip('.')}{other}",
        hint="check the name and the digest; for a private registry log in first with `docker login`;"
        " what the engine of this machine has is sent to other hosts",
    )


def _image(name: str, found: Mapping[str, Any], python: OwnPython) -> OwnImage:
    by_manifest, identity = named_by_manifest(found), str(found["Id"])
    return OwnImage(
        name=name,
        id=identity,
        config_digest="" if by_manifest else identity,
        manifest_digest=identity if by_manifest else "",
        repository_digest=_repository_digest(name, found.get("RepoDigests") or ()),
        python=python,
    )


def _repository_digest(name: str, known: Iterable[str]) -> str:
    """Of the names under which registries have the image, that of the repository which the user named."""
    repository, _ = parse_repository_tag(name.partition("@")[0])
    digests = sorted(known)
    return next((one for one in digests if one.partition("@")[0] == repository), digests[0] if digests else "")
