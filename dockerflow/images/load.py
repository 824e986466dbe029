"""Give an engine an image, sending only what it lacks, and make sure that it has exactly that image.

Which layers an engine has is asked in `engine_layers`. An answer of success is not believed: the containerd store gives
it even if layers were missing, and keeps a name that cannot start. So the answer is read to its end, the image's ID
compared, and asked whether the image is whole; on any doubt the complete archive is sent. A name that cannot start
counts for nothing, whoever left it, and none is left by us.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from typing import Any

import docker.errors
import requests
from docker import DockerClient

from dockerflow.images.engine import (
    api,
    engine_failure,
    explaining_engine,
    inspect,
    is_surely_whole,
    is_whole,
    stream,
    was_cut,
)
from dockerflow.images.engine_layers import EngineLayers, engine_layers
from dockerflow.images.errors import ImageError, LayerDamaged, LoadError
from dockerflow.images.image import Layer, StepImage
from dockerflow.images.load_archive import load_archive
from dockerflow.images.wire import Encoding, encoded
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.progress import ImageReady, ImageSending, LayerMended, Notify, ignore

# Progress is told every so many bytes.
_REPORT_EVERY = 4 * 1024 * 1024

Restore = Callable[[Sequence[Layer]], None]


@dataclass(frozen=True)
class Sent:
    """What went to the engine; nothing if it had the image. The `size` of the layers took so much `on_wire`."""

    layers: int = 0
    size: int = 0
    on_wire: int = field(default=0, compare=False)

    def __add__(self, other: Sent) -> Sent:
        return Sent(self.layers + other.layers, self.size + other.size, self.on_wire + other.on_wire)


def ensure(
    client: DockerClient,
    image: StepImage,
    notify: Notify = ignore,
    steps: tuple[str, ...] = (),
    *,
    restore: Restore | None = None,
) -> Sent:
    """Have the engine hold `image` under its reference and tell that it is ready; otherwise as `give`."""
    began = time.monotonic()
    sent = give(Sending(client, image, notify, steps, restore))
    seconds = time.monotonic() - began
    notify(ImageReady(steps, image.reference, len(image.layers), 0, sent.layers, sent.size, seconds))
    return sent


@dataclass
class Sending:
    """An image on its way to an engine.

    `restore` brings back layers whose files are missing or damaged; without it they raise `LayerDamaged`. `engine` is
    what the engine has, where it was asked already. `host` is the name of a remote one.
    """

    client: DockerClient
    image: StepImage
    notify: Notify = ignore
    steps: tuple[str, ...] = ()
    restore: Restore | None = None
    engine: EngineLayers | None = None
    encoding: Encoding = Encoding.PLAIN
    host: str = ""


def give(sending: Sending) -> Sent:
    """Have the engine hold the image under its reference. Raises `DiskFullError`, `LoadError`."""
    return Sent() if is_present(sending.client, sending.image) else _send(sending)


def is_present(client: DockerClient, image: StepImage) -> bool:
    """Whether the engine has the whole image under its reference; gives it the reference if it has it under another."""
    with explaining_engine(f"looking for image `{image.reference}`"):
        if _has(client, image.reference, image):
            return True
        found = next((name for name in _names(image) if _has(client, name, image)), None)
        if found is not None:
            api(client).tag(found, *image.reference.rsplit(":", 1))
        return found is not None


def _send(sending: Sending) -> Sent:
    """First what the engine seems to lack; if it does not end up with the image, all of it."""
    engine = sending.engine or engine_layers(sending.client, sending.image.base_digest)
    layers = engine.lacking(sending.image)
    if len(layers) < len(sending.image.layers):
        try:
            return _send_layers(sending, layers)
        except LoadError as error:  # it does not have all that it seemed to have
            if was_cut(error):
                raise
    return _send_layers(sending, sending.image.layers)


def _send_layers(sending: Sending, layers: Sequence[Layer]) -> Sent:
    damaged: set[str] = set()
    while True:
        if sending.restore is not None:
            sending.restore(layers)
        try:
            return load_layers(sending, layers)
        except LayerDamaged as error:  # its file is gone now, so that it can be restored
            if sending.restore is None or error.diff_id in damaged:
                raise
            damaged.add(error.diff_id)
            sending.notify(LayerMended(sending.steps, error.title))


def load_layers(sending: Sending, layers: Sequence[Layer]) -> Sent:
    """Send the image with `layers` of its layers, once. Raises `LoadError` if the engine does not then have it."""
    try:
        return _load_layers(sending, layers)
    except ImageError as error:
        if not was_cut(error):
            _forget(sending)
        raise


def _load_layers(sending: Sending, layers: Sequence[Layer]) -> Sent:
    image, action = sending.image, f"loading image `{sending.image.reference}`"
    total = sum(layer.size for layer in layers)
    progress = _Progress(sending, total)
    with explaining_engine(action):
        archive = encoded(load_archive(image, layers, progress.add), sending.encoding, progress.went)
        headers = {"Content-Type": "application/x-tar"}
        answer = stream(sending.client, "POST", "/images/load", params={"quiet": "1"}, data=archive, headers=headers)
        check_answer(answer.iter_lines(), action)
        found = inspect(sending.client, image.reference)
    _check_loaded(image, found)
    return Sent(len(layers), total, progress.on_wire)


def _check_loaded(image: StepImage, found: Mapping[str, Any] | None) -> None:
    hint = f"remove it with `docker image rm {image.reference}` and run the command again"
    if found is None or found["Id"] not in _names(image):
        there = found["Id"] if found else "nothing"
        raise LoadError(
            f"the engine has {there} as `{image.reference}` after loading, expected {image.config_digest}", hint=hint
        )
    if not is_whole(found):
        raise LoadError(f"the engine has `{image.reference}` after loading, but not all of its layers", hint=hint)


def check_answer(answer: Iterator[bytes], action: str) -> None:
    """Read what the engine says to its end: errors come in it, after the status."""
    for line in map(_said, answer):
        text = str(line.get("error") or line.get("stream") or "")
        if "error" in line or text.lower().startswith("error"):
            raise engine_failure(action, text.strip())


def _said(line: bytes) -> dict[str, Any]:
    """A line of the answer. Engines write JSON; what is not counts as said."""
    try:
        value = json.loads(line or b"{}")
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {"stream": line.decode(errors="replace")}


class _Progress:
    def __init__(self, sending: Sending, total: int) -> None:
        self._sending = sending
        self._total = total
        self._sent = 0
        self._told = 0
        self.on_wire = 0

    def went(self, size: int) -> None:
        self.on_wire += size

    def add(self, size: int) -> None:
        self._sent += size
        if self._sent - self._told >= _REPORT_EVERY or self._sent == self._total:
            self._told = self._sent
            one = self._sending
            one.notify(ImageSending(one.steps, one.image.reference, self._sent, self._total, one.host))


def _forget(sending: Sending) -> None:
    """Take back the name that a failed load may have left, unless another process has given it to the whole image.

    Where the engine cannot tell whether it is whole, it did not seem so before the load, and goes.
    """
    with suppress(docker.errors.DockerException, requests.RequestException, ImageError):
        found = inspect(sending.client, sending.image.reference)
        if found is not None and not is_surely_whole(found):
            api(sending.client).remove_image(sending.image.reference, force=True)


def _has(client: DockerClient, name: str, image: StepImage) -> bool:
    found = inspect(client, name)
    return found is not None and found["Id"] in _names(image) and is_whole(found)


def _names(image: StepImage) -> tuple[str, str]:
    return image.config_digest, image.manifest_digest
