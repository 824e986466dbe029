"""A container on a host for a look: what the shell of an image does there, confined as steps are.

It has no folder of anybody's, is nobody, and is gone afterwards, also when this process is killed: its standard input
ends then, and a program that reads it must end with that. What it says is waited for with a limit, so that a
host whose link is cut meanwhile holds nobody up.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from docker.types import DeviceRequest, Mount

from dockerflow import confinement
from dockerflow.attached import STDOUT, Attached, Demultiplexer
from dockerflow.engines.boundary import FOREIGN, translated
from dockerflow.engines.docker import DockerHost
from dockerflow.engines.errors import EngineError
from dockerflow.lazy_dataclasses import dataclass

LABEL = "dockerflow.trial"

# How long a container's shell may take for a few words, in seconds: the first one on a host that was idle takes long.
PATIENCE = 60

_DONE = (0, b"")


@dataclass(frozen=True)
class Program:
    """What to run: a program of an image's shell, and its words. `shell` is `sh`, or `bash` where it needs that."""

    image: str
    network: str
    text: str
    words: tuple[str, ...] = ()
    shell: str = "sh"
    devices: Sequence[DeviceRequest] = ()


class Trial:
    """A container that runs. `send` and `receive` are its standard streams."""

    def __init__(self, host: DockerHost, attached: Attached) -> None:
        self._host, self._attached = host, attached
        self._said: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
        threading.Thread(target=self._listen, name="trial", daemon=True).start()

    def send(self, content: bytes) -> None:
        self._attached.send(content)

    def receive(self, seconds: float = PATIENCE) -> tuple[int, bytes]:
        """A stream's number and what it said; nothing at the end. Raises EngineError where nothing comes in time."""
        try:
            return self._said.get(timeout=seconds)
        except queue.Empty:
            raise EngineError(
                f"a container on the engine at `{self._host.url}` said nothing for {seconds:g} s",
                "look at the engine there: `docker ps` and its log",
            ) from None

    def finish(self) -> tuple[str, str]:
        """All that it says on the two streams until its end. Raises EngineError."""
        said = {STDOUT: b""}
        while (received := self.receive()) != _DONE:
            stream, part = received
            said[stream] = said.get(stream, b"") + part
        errors = b"".join(part for stream, part in said.items() if stream != STDOUT)
        return said[STDOUT].decode(errors="replace"), errors.decode(errors="replace")

    def _listen(self) -> None:
        demultiplexer = Demultiplexer()
        while received := self._attached.receive():
            for part in demultiplexer.feed(received):
                self._said.put(part)
        self._said.put(_DONE)


@contextmanager
def started(host: DockerHost, program: Program) -> Iterator[Trial]:
    """A container that runs the program; it is gone afterwards. Raises EngineError."""
    with translated("start a container", host.url):
        container_id = _create(host, program)
    try:
        with translated("start a container", host.url):
            attached = Attached(host.client, container_id)
        try:
            with translated("start a container", host.url):
                host.client.api.start(container_id)
            yield Trial(host, attached)
        finally:
            attached.close()
    finally:
        with suppress(*FOREIGN):
            host.client.api.remove_container(container_id, v=True, force=True)


def _create(host: DockerHost, program: Program) -> str:
    api = host.client.api
    options = api.create_host_config(
        **confinement.options(),
        auto_remove=True,
        mounts=[Mount("/work", None, type="volume")],
        network_mode=program.network,
        device_requests=list(program.devices) or None,
    )
    made = api.create_container(
        program.image,
        entrypoint=[program.shell, "-c", program.text, "dockerflow"],
        command=list(program.words),
        user=host.user,
        working_dir="/work",
        stdin_open=True,
        labels={LABEL: "look"},
        host_config=options,
        use_config_proxy=False,
    )
    return str(made["Id"])
