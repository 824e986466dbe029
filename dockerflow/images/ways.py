"""How images reach an engine: at once, where it is on this machine (`far` has the other ways).

One way serves one image. While its layers are being made, beginnings of it may go `ahead`; then it goes `whole`. In the
end the way is told that it is `over`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol

import docker.errors
from docker import DockerClient

from dockerflow.images.engine_layers import EngineLayers, engine_layers
from dockerflow.images.image import StepImage
from dockerflow.images.load import Restore, Sending, Sent, give
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.progress import Notify, ignore


@dataclass(frozen=True)
class Order:
    """An image that an engine shall hold. `restore` as that of `load.Sending`."""

    image: StepImage
    restore: Restore
    notify: Notify = ignore
    steps: tuple[str, ...] = ()


class Way(Protocol):
    # A beginning is sent when there are so many bytes of layers that are new in it.
    worthwhile: int

    def ahead(self, order: Order) -> Sent:
        """Send a beginning if the engine lacks enough of it. Raises `ImageError`."""

    def whole(self, order: Order) -> Sent:
        """Have the engine hold the image. Raises `ImageError`."""

    def over(self, error: BaseException | None) -> None:
        """Take back the names that nobody needs any more; `error` is what ended it."""


class DirectWay:
    """To an engine of this machine."""

    # A load takes a tenth of a second whatever is in it.
    worthwhile = 2_000_000

    def __init__(self, client: DockerClient) -> None:
        self._client = client
        self._engine: EngineLayers | None = None
        self._names: list[str] = []

    def ahead(self, order: Order) -> Sent:
        image, sent = order.image, Sent()
        engine = self._engine or engine_layers(self._client, image.base_digest)
        if sum(one.size for one in engine.lacking(image)) >= self.worthwhile:
            self._names.append(image.reference)
            sent = give(Sending(self._client, image, restore=order.restore, engine=engine))
            engine = engine.and_those_of(image)
        self._engine = engine
        return sent

    def whole(self, order: Order) -> Sent:
        sending = Sending(self._client, order.image, order.notify, order.steps, order.restore, self._engine)
        return give(sending)

    def over(self, error: BaseException | None) -> None:
        for name in self._names:
            with suppress(docker.errors.DockerException):
                self._client.api.remove_image(name)
