"""The way of an image to a remote host through a registry: pushed from here, pulled there.

The registry is sent only what it lacks, and the host takes only what it lacks. The image is pulled by the digest of its
manifest, so it is ours and no other; it then gets its reference there, and the registry's name for it is taken back.
Images of all flows share one repository, `dockerflow/step` below what is configured, and with it their layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker.errors
import requests

from dockerflow.images.engine import api, explaining_engine, pull
from dockerflow.images.errors import LoadError
from dockerflow.images.far import FarEngine
from dockerflow.images.load import Sent, is_present
from dockerflow.images.push import Pushed, Target, push
from dockerflow.images.repository import Repository
from dockerflow.images.turns import Turns
from dockerflow.images.ways import Order
from dockerflow.progress import ImagePulling, Notify

_REPOSITORY = "dockerflow/step"


class RegistryWay:
    """Of one image. `registry` is `host[:port][/prefix]`."""

    worthwhile = 1 << 62  # nothing goes ahead: a registry keeps layers that no image has, but a host does not take them

    def __init__(self, engine: FarEngine, registry: str, cache_dir: Path) -> None:
        self._engine = engine
        self._client = engine.remote.client
        self._cache_dir = cache_dir
        self._repository = Repository.parse(f"{registry.rstrip('/')}/{_REPOSITORY}")
        self._turns = Turns(cache_dir, f"registry {self._repository}")

    def ahead(self, order: Order) -> Sent:
        return Sent()

    def whole(self, order: Order) -> Sent:
        if self._engine.surely(lambda: is_present(self._client, order.image)):
            return Sent()
        with self._turns.turn():  # no layer goes to the registry twice
            target = Target(self._repository)
            pushed = push(self._cache_dir, order.image, target, order.restore, order.notify)
        self._engine.surely(lambda: self._pulled(pushed.name, order))
        return _sent(pushed)

    def over(self, error: BaseException | None) -> None:
        """Nothing was left."""

    def _pulled(self, name: str, order: Order) -> None:
        image = order.image
        with explaining_engine(f"pulling `{name}`"):
            pull(self._client, name, _Progress(name, order.steps, order.notify))
            api(self._client).tag(name, *image.reference.rsplit(":", 1))
            with suppress(docker.errors.DockerException, requests.RequestException):
                api(self._client).remove_image(name)
        if not is_present(self._client, image):
            raise LoadError(f"the engine has pulled `{name}`, and has not the image {image.config_digest} of it")


def _sent(pushed: Pushed) -> Sent:
    return Sent(pushed.layers_sent, pushed.bytes_sent, pushed.bytes_sent)


class _Progress:
    """Adds up what the engine says of each layer that it pulls."""

    def __init__(self, name: str, steps: tuple[str, ...], notify: Notify) -> None:
        self._name = name
        self._steps = steps
        self._notify = notify
        self._layers: dict[str, tuple[int, int]] = {}

    def __call__(self, line: Mapping[str, Any]) -> None:
        detail = line.get("progressDetail") or {}
        if line.get("status") == "Downloading" and detail.get("total"):
            self._layers[str(line.get("id"))] = (int(detail["current"]), int(detail["total"]))
            done, total = (sum(each) for each in zip(*self._layers.values()))
            self._notify(ImagePulling(self._steps, self._name, done, total))
