"""The way of an image to a remote host: compressed, in pieces, in turn with others, and on after a cut.

A piece is an image of some of the lowest layers, a beginning, whose name stays on the engine until the whole image is
there. So nothing that has arrived is sent again: not after a cut, when the engine is asked what it has and the next
piece goes, nor by the next process after ours was killed. When the image is whole, the names of all beginnings of it
are taken back, whoever left them; those of images that were never finished go with `dockerflow images prune`.

Whoever sends has its turn (`turns`), so that no layer goes twice at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import docker.errors
import requests

from dockerflow.images.builder import BEGINNING
from dockerflow.images.engine import api, explaining_engine, was_cut
from dockerflow.images.engine_layers import EngineLayers, engine_layers, keeps_layers_apart
from dockerflow.images.errors import CompileError, ImageError, of_host
from dockerflow.images.image import Layer, StepImage
from dockerflow.images.load import Sending, Sent, give, is_present
from dockerflow.images.oci import LOCK_LABEL
from dockerflow.images.remote import Remote
from dockerflow.images.turns import Turn, Turns
from dockerflow.images.ways import Order
from dockerflow.images.wire import Encoding, encoding_of, is_podman
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.progress import Event, ImageSending, Notify

# Bytes of layers that a piece has at least, if there are so many: about a third of it goes over the wire. Each piece
# costs some round trips and a load, which takes a tenth of a second. A layer is never parted.
PIECE = 24_000_000

# How often in a row a piece may be cut off before it is given up.
_TRIES = 8

T = TypeVar("T")


class FarEngine:
    """A remote host's engine, shared by all that this process sends to it."""

    def __init__(self, remote: Remote, cache_dir: Path) -> None:
        self.remote = remote
        self._cache_dir = cache_dir

    def surely(self, action: Callable[[], T]) -> T:
        """What `action` gives; it is done again after a cut, as often as that helps. Its errors name the host."""
        for left in reversed(range(_TRIES)):
            try:
                return action()
            except ImageError as error:
                again = was_cut(error) and not error.is_of_host and left > 0
                if not (again and self.remote.wait_until_back()):
                    raise of_host(self.remote.name, error) from error
        raise AssertionError("unreachable")

    def compiling(self, action: Callable[[], T]) -> T:
        """As `surely`, for what compiles modules there: of a cut nothing is heard but that the container has ended."""
        try:
            return self.surely(action)
        except CompileError:
            if not self.remote.wait_until_back():
                raise
        return self.surely(action)

    @cached_property
    def turns(self) -> Turns:
        return Turns(self._cache_dir, self._about.key)

    @property
    def encoding(self) -> Encoding:
        return self._about.encoding if self.remote.is_by_wire else Encoding.PLAIN

    def layers(self, turn: Turn, base_digest: str) -> EngineLayers:
        known = turn.known or engine_layers(self.remote.client, base_digest, self._about.apart)
        turn.learn(known, changed=False)
        return known

    @cached_property
    def _about(self) -> _About:
        with explaining_engine("asking what it is"):
            info, version = self.remote.client.info(), self.remote.client.version()
        # An engine may be reached in several ways, so it is known by its own name; Podman has another in each answer.
        key = self.remote.name if is_podman(version) else str(info.get("ID") or self.remote.name)
        return _About(encoding_of(info, version), keeps_layers_apart(info, version), key)


@dataclass(frozen=True)
class _About:
    encoding: Encoding
    apart: bool
    key: str


class FarWay:
    """Of one image. `beginning` makes the image of its lowest layers; without it, it goes in one piece."""

    worthwhile = PIECE

    def __init__(self, engine: FarEngine, beginning: Callable[[Sequence[Layer]], StepImage] | None = None) -> None:
        self._engine = engine
        self._client = engine.remote.client
        self._beginning = beginning
        self._names: list[str] = []
        self._sent = Sent()
        self._is_whole = False

    def ahead(self, order: Order) -> Sent:
        return self._engine.surely(lambda: self._ahead(order))

    def whole(self, order: Order) -> Sent:
        if self._engine.surely(lambda: is_present(self._client, order.image)):
            return Sent()
        while not self._is_whole:
            self._sent += self._engine.surely(lambda: self._next_piece(order))
        return self._sent

    def over(self, error: BaseException | None) -> None:
        """What was sent stays where it may be wanted again: after a cut, or when somebody stopped us."""
        if isinstance(error, ImageError) and not was_cut(error):
            self._remove(self._names)

    def _ahead(self, order: Order) -> Sent:
        with self._engine.turns.turn() as turn:
            known = self._engine.layers(turn, order.image.base_digest)
            lacking = sum(one.size for one in known.lacking(order.image))
            return self._give(turn, order) if lacking >= self.worthwhile else Sent()

    def _next_piece(self, order: Order) -> Sent:
        """Send the next piece, the image itself as the last."""
        with self._engine.turns.turn() as turn:
            lacking = self._engine.layers(turn, order.image.base_digest).lacking(order.image)
            piece = self._piece(order.image, lacking)
            if piece.reference in self._names:  # an engine that cannot tell what it has would be sent it for ever
                piece = order.image
            before = self._sent.size
            notify = _of_whole(order, before, before + sum(one.size for one in lacking))
            sent = self._give(turn, replace(order, image=piece, notify=notify))
            if piece is order.image:
                self._is_whole = True
                self._forget_beginnings(piece)
            return sent

    def _piece(self, image: StepImage, lacking: Sequence[Layer]) -> StepImage:
        """The image up to where there is a piece of what is lacking; all of it if that is the last."""
        wanted, size = {one.diff_id for one in lacking}, 0
        for number, layer in enumerate(image.layers, 1):
            size += layer.size if layer.diff_id in wanted else 0
            if size >= PIECE and number < len(image.layers) and self._beginning is not None:
                return self._beginning(image.layers[:number])
        return image

    def _give(self, turn: Turn, order: Order) -> Sent:
        image = order.image
        engine = self._engine.layers(turn, image.base_digest)
        sending = Sending(
            self._client,
            image,
            order.notify,
            order.steps,
            order.restore,
            engine,
            self._engine.encoding,
            self._engine.remote.name,
        )
        try:
            sent = give(sending)
        except BaseException:
            turn.forget()
            raise
        turn.learn(engine.and_those_of(image), changed=True)
        if image.reference.startswith(BEGINNING):
            self._names.append(image.reference)
        return sent

    def _forget_beginnings(self, image: StepImage) -> None:
        """Whatever beginnings of the image there are: this process's, and those of others before it."""
        chain = [one.diff_id for one in image.layers]
        with suppress(docker.errors.DockerException, requests.RequestException):
            found = api(self._client).images(filters={"label": LOCK_LABEL})
            names = [name for one in found for name in one.get("RepoTags") or () if BEGINNING in name]
            self._remove([name for name in names if _is_below(self._chain(name), chain)])

    def _chain(self, name: str) -> list[str]:
        return list(api(self._client).inspect_image(name)["RootFS"].get("Layers") or ())

    def _remove(self, names: Sequence[str]) -> None:
        for name in names:
            with suppress(docker.errors.DockerException, requests.RequestException):
                api(self._client).remove_image(name)


def _is_below(chain: Sequence[str], whole: Sequence[str]) -> bool:
    return list(whole[: len(chain)]) == list(chain)


def _of_whole(order: Order, before: int, total: int) -> Notify:
    """Tells of a piece's progress as that of the whole image."""

    def tell(event: Event) -> None:
        if isinstance(event, ImageSending):
            event = replace(event, reference=order.image.reference, sent=before + event.sent, total=total)
        order.notify(event)

    return tell
