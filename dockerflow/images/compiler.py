"""Compile modules with an environment's own Python, in a container that is thrown away.

What is compiled and what comes of it go through the container's standard streams (see `compile_session`), so that it
works the same on any engine and any host. The container may do as little as a worker's: it can write nothing, has no
network, and ends when the process that made it does.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import docker.errors
from docker import DockerClient
from docker.types import LogConfig

from dockerflow import confinement, makers
from dockerflow.attached import Attached
from dockerflow.confinement import UNPRIVILEGED
from dockerflow.images import compile_program
from dockerflow.images.compile_session import CompileSession
from dockerflow.images.engine import explaining_engine
from dockerflow.images.errors import CompileError
from dockerflow.images.image import PREFIX, StepImage
from dockerflow.images.load import Restore, Sending, give

# Its value says which process made the container, see `makers`.
LABEL = "dockerflow.compile"

# Seconds after which a container is nobody's any more, whoever made it: nothing takes so long to compile.
_LEFT_BEHIND = 3600


class ContainerCompiler:
    """A `bytecode.Compiler` on an engine. `restore` is that of `load.ensure`, for the base's layers; `give_it` has the
    engine hold the image that compiles, in another way than directly.
    """

    def __init__(
        self,
        client: DockerClient,
        restore: Restore | None = None,
        give_it: Callable[[StepImage], object] | None = None,
    ) -> None:
        self._client = client
        self._give = give_it or (lambda image: give(Sending(client, image, restore=restore)))

    @contextmanager
    def session(self, python: StepImage) -> Iterator[CompileSession]:
        self._give(python)
        with explaining_engine("compiling an environment's modules", CompileError):
            session = self._started(python)
        try:
            yield session
        finally:
            session.close()  # the engine then removes the container; there is nothing to wait for

    def _started(self, python: StepImage) -> CompileSession:
        self._sweep()
        container = self.created(python)
        try:
            attached = Attached(self._client, container)
            self._client.api.start(container)
        except BaseException:
            with suppress(docker.errors.APIError):
                self._client.api.remove_container(container, force=True, v=True)
            raise
        return CompileSession(attached)

    def created(self, python: StepImage) -> str:
        """A container that compiles what it is sent when it is started, and goes when it has ended; its id."""
        created = self._client.api.create_container(
            python.reference,
            entrypoint=[f"{PREFIX}/bin/python", "-S", "-s", "-B", "-W", "ignore", "-c", _program()],
            # A set's order, which ends up in the bytecode, comes from the hashes of strings.
            environment={"PYTHONHASHSEED": "0", "PYTHONPATH": "", "PYTHONSTARTUP": ""},
            use_config_proxy=False,  # it may have a password
            user=UNPRIVILEGED,
            network_disabled=True,
            working_dir="/",
            stdin_open=True,
            host_config=self._host_config(),
            name=f"dockerflow-compile-{uuid.uuid4().hex[:12]}",
            labels={LABEL: makers.this_process()},
        )
        return str(created["Id"])

    def _host_config(self) -> dict[str, Any]:
        # One process for each core compiles, and the largest modules need some hundred MiB: half of the engine's
        # memory is enough, and leaves the other half to those who work there.
        memory = self._client.info()["MemTotal"] // 2
        return self._client.api.create_host_config(
            **confinement.options(),
            auto_remove=True,
            log_config=LogConfig(type="none"),  # what it says is bytecode, and as a log would be escaped and kept
            network_mode="none",
            mem_limit=memory,
            memswap_limit=memory,
        )

    def _sweep(self) -> None:
        """Remove containers whose process was killed before they were started, or whose engine did not see it go."""
        for one in self._client.api.containers(all=True, filters={"label": LABEL}):
            if one["Created"] < time.time() - _LEFT_BEHIND or makers.is_gone(one["Labels"][LABEL]):
                with suppress(docker.errors.APIError):  # another process does the same
                    self._client.api.remove_container(one["Id"], force=True, v=True)


@cache
def _program() -> str:
    return Path(compile_program.__file__).read_text(encoding="utf-8")
