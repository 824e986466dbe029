"""A container in a step's image that answers what is asked of values, and the talk with it.

    with session(place) as ask:
        ask(Question(ref, "value.shape"))

The container may do as little as the one that compiles images: it has no network, no mounts and no user's rights. What
goes in and out goes through its standard streams, so that it works on any engine and with any store; it ends when the
process that asks does.
"""

from __future__ import annotations

import json
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import docker.errors
from docker import DockerClient
from docker.types import LogConfig

from dockerflow import confinement, makers
from dockerflow.artifacts import codec
from dockerflow.artifacts.errors import CannotDecode
from dockerflow.attached import STDOUT, Attached, Demultiplexer
from dockerflow.config import Config, load_config
from dockerflow.engines.boundary import translated
from dockerflow.engines.container import PYTHON
from dockerflow.engines.docker import DockerHost
from dockerflow.images import compiler
from dockerflow.in_image import program
from dockerflow.in_image.errors import InImageError
from dockerflow.in_image.images import Tell, check_had_image, image_for
from dockerflow.in_image.program import SIZE
from dockerflow.in_image.values import Place, Question
from dockerflow.store import manifest
from dockerflow.store.base import Chunk

Ask = Callable[[Question], Any]

# How much of what the container says beside its answers is kept for a message.
_SAID = 2000

# Values are sent in pieces of this size: an encrypted connection would make a copy of more.
_PIECE = 1 << 20


def look(place: Place, question: Question) -> Any:
    """The answer to one question. Raises as `session`."""
    with session(place) as ask:
        return ask(question)


@contextmanager
def session(place: Place, config: Config | None = None, tell: Tell = warnings.warn) -> Iterator[Ask]:
    """Someone to ask about values that `place` can read; `tell` hears of an image that is another than then. Raises
    InImageError, ImageError or EngineError; so does what it gives, and MissingBlob, DamagedBlob, and CannotDecode for
    an answer that this Python cannot have."""
    check_had_image(place)
    settings = config or load_config()
    with closing(DockerHost.connect(settings.engine)) as host:
        image = image_for(place, host.client, settings, tell)
        with translated(f"look at values in `{image}`", host.url):
            attached = _started(host.client, image, place)
            try:
                talk = _Talk(attached, place)
                talk.send([bytes(place.store.blobs.get(place.started.code))])
                yield talk.ask
            finally:
                attached.close()  # the container ends with its input, and the engine removes it


def _started(client: DockerClient, image: str, place: Place) -> Attached:
    api: Any = client.api
    created = api.create_container(
        image,
        entrypoint=[place.step.python or PYTHON, "-B", "-W", "ignore", "-c", Path(program.__file__).read_text()],
        environment={"HOME": "/tmp", "PYTHONHASHSEED": "0", "PYTHONPATH": "", "PYTHONSTARTUP": ""},
        use_config_proxy=False,  # it may have a password
        user=confinement.UNPRIVILEGED,
        network_disabled=True,
        working_dir="/",
        stdin_open=True,
        host_config=api.create_host_config(
            **confinement.options(),
            auto_remove=True,
            log_config=LogConfig(type="none"),  # what it says are values, which may be large
            network_mode="none",
            tmpfs={"/tmp": "mode=1777"},
        ),
        name=f"dockerflow-look-{uuid.uuid4().hex[:12]}",
        # If this process is killed before it starts the container, the next compilation takes it away.
        labels={compiler.LABEL: makers.this_process()},
    )
    try:
        attached = Attached(client, created["Id"])
        api.start(created["Id"])
    except BaseException:
        with suppress(docker.errors.APIError):
            api.remove_container(created["Id"], force=True, v=True)
        raise
    return attached


class _Talk:
    """The two directions of one container's standard streams."""

    def __init__(self, attached: Attached, place: Place) -> None:
        self._attached, self._place = attached, place
        self._arrived = bytearray()
        self._said = b""
        self._streams = Demultiplexer()

    def send(self, chunks: list[Chunk]) -> None:
        self._attached.send(SIZE.pack(sum(map(len, chunks))))
        for chunk in chunks:
            view = memoryview(chunk).cast("B")
            for start in range(0, len(view), _PIECE):
                self._attached.send(view[start : start + _PIECE])  # type: ignore[arg-type]  # any buffer is sent

    def ask(self, question: Question) -> Any:
        content = manifest.content(self._place.store.blobs, question.ref)
        try:
            self.send([question.expression.encode()])
            self.send([content])
        except OSError:
            pass  # it has ended, and says why
        head = json.loads(self._received(question))
        encoded = self._received(question)
        if "error" in head:
            raise self._failed(question, head)
        try:
            written = codec.Written("", self._place.step.name, head["type"], head["libraries"])
            return codec.decode(encoded, written)
        except CannotDecode as error:
            error.hint = f"let it make plain values: `{question.expression}` gives what this Python cannot have"
            raise

    def _received(self, question: Question) -> bytearray:
        self._wait_for(SIZE.size, question)
        (size,) = SIZE.unpack_from(self._arrived)
        self._wait_for(SIZE.size + size, question)
        found = self._arrived[SIZE.size : SIZE.size + size]
        del self._arrived[: SIZE.size + size]
        return found

    def _wait_for(self, size: int, question: Question) -> None:
        while len(self._arrived) < size:
            received = self._attached.receive()
            if not received:
                raise self._ended(question)
            for stream, part in self._streams.feed(received):
                if stream == STDOUT:
                    self._arrived += part
                else:
                    self._said = (self._said + part)[-_SAID:]

    def _failed(self, question: Question, head: dict[str, str]) -> InImageError:
        return InImageError(
            f"artifact `{question.ref.name}` cannot be looked at in the image of step `{self._place.pathspec}`:"
            f" `{question.expression}` raises {head['type']}: {head['error']}",
            "ask for something else of `value`; plain values, as `repr(value)` is one, can be had everywhere",
        )

    def _ended(self, question: Question) -> InImageError:
        said = self._said.decode(errors="replace").strip() or "perhaps the engine has too little memory for the value"
        return InImageError(
            f"the container in the image of step `{self._place.pathspec}` ended while it looked at artifact"
            f" `{question.ref.name}`: {said}"
        )
