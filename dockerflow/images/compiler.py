"""Compile modules with an environment's own Python, in a container that is thrown away.

The sources are copied in and the bytecode out as tars over the engine's API, so that it works the same on any engine
and any host. No folder of ours is mounted, and the container may do as little as a worker's: all that it can write is a
volume that goes with it, and it has no network.
"""

from __future__ import annotations

import io
import os
import socket
import tarfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any, cast

import docker.errors
from docker import DockerClient
from docker.types import Mount

from dockerflow import confinement
from dockerflow.confinement import UNPRIVILEGED
from dockerflow.images.bytecode import Sources
from dockerflow.images.engine import explaining_engine
from dockerflow.images.errors import CompileError
from dockerflow.images.files import CHUNK
from dockerflow.images.image import PREFIX, StepImage
from dockerflow.images.load import Restore, ensure
from dockerflow.images.streams import IteratorStream
from dockerflow.images.tar import LayerWriter

_FOLDER = "dockerflow/compile"
# Its value says which process made the container, as `<pid>@<host>`.
LABEL = "dockerflow.compile"

# Seconds after which a container is nobody's any more, whoever made it: nothing takes so long to compile.
_LEFT_BEHIND = 3600

# Runs under any Python from 3.7 on. What a code object is marshalled to depends on what else its process has seen
# (which strings are shared), so each module is compiled by a fork of a process that has compiled nothing.
_PROGRAM = """
import os, py_compile, sys

def compile_one(source, target, name):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    pid = os.fork()
    if pid == 0:
        try:
            py_compile.compile(source, target, name, True,
                               invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
        except BaseException:
            pass
        os._exit(0)
    if os.waitpid(pid, 0)[1] == 9:
        # By the kernel for want of memory. What is missing then must not pass for what cannot be compiled.
        os.write(2, ("killed, most likely because memory ran out: " + name + "\\n").encode())
        os._exit(1)

def main(folder, count):
    found = sorted(os.path.join(base, name) for base, _, names in os.walk(folder + "/in") for name in names)
    workers = []
    for number in range(count):
        pid = os.fork()
        if pid == 0:
            for source in found[number::count]:
                relative = os.path.relpath(source, folder + "/in")
                name = "/" + relative.split(os.sep, 1)[1]
                compile_one(source, os.path.join(folder, "out", relative + "c"), name)
            os._exit(0)
        workers.append(pid)
    for pid in workers:
        if os.waitpid(pid, 0)[1]:
            sys.exit("a worker failed")
    for name in {path.split(os.sep)[len(folder.split(os.sep)) + 1] for path in found}:
        os.makedirs(os.path.join(folder, "out", name), exist_ok=True)

main(sys.argv[1], os.cpu_count() or 1)
"""


class ContainerCompiler:
    """A `bytecode.Compiler` on an engine. `restore` is that of `load.ensure`, for the base's layers."""

    def __init__(self, client: DockerClient, restore: Restore | None = None) -> None:
        self._client = client
        self._restore = restore

    def compile(self, python: StepImage, sources: Sequence[Sources]) -> Iterator[Mapping[str, bytes]]:
        ensure(self._client, python, restore=self._restore, ready=lambda sent: None)
        with (
            explaining_engine("compiling an environment's modules", CompileError),
            self.container(python) as container,
        ):
            for number, one in enumerate(sources):
                self._client.api.put_archive(container, f"/{_FOLDER}", _input(number, one))
            self._run(container)
            for number, _ in enumerate(sources):
                yield self._output(container, number)

    @contextmanager
    def container(self, python: StepImage) -> Iterator[str]:
        """One that compiles what is put into it when it is started; its id."""
        command = [f"{PREFIX}/bin/python", "-S", "-s", "-B", "-W", "ignore", "-c", _PROGRAM, f"/{_FOLDER}"]
        self._sweep()
        api = self._client.api
        created = api.create_container(
            python.reference,
            entrypoint=command,
            # A set's order, which ends up in the bytecode, comes from the hashes of strings.
            environment={"PYTHONHASHSEED": "0", "PYTHONPATH": "", "PYTHONSTARTUP": ""},
            user=UNPRIVILEGED,
            network_disabled=True,
            working_dir="/",
            host_config=self._host_config(),
            name=f"dockerflow-compile-{uuid.uuid4().hex[:12]}",
            labels={LABEL: f"{os.getpid()}@{socket.gethostname()}"},
        )["Id"]
        try:
            yield created
        finally:
            api.remove_container(created, force=True, v=True)

    def _host_config(self) -> dict[str, Any]:
        # One process for each core compiles, and the largest modules need some hundred MiB: half of the engine's
        # memory is enough, and leaves the other half to those who work there.
        memory = self._client.info()["MemTotal"] // 2
        return self._client.api.create_host_config(
            **confinement.options(),
            network_mode="none",
            mem_limit=memory,
            memswap_limit=memory,
            # The API copies into and out of a read-only container only where a volume is.
            mounts=[Mount(f"/{_FOLDER}", None, type="volume")],
        )

    def _sweep(self) -> None:
        """Remove containers whose process was killed before it could. They end by themselves when all is compiled, but
        the engine cannot be asked to remove them then: their output is read afterwards.
        """
        for one in self._client.api.containers(all=True, filters={"label": LABEL}):
            if one["Created"] < time.time() - _LEFT_BEHIND or _is_orphan(one["Labels"][LABEL]):
                with suppress(docker.errors.APIError):  # another process does the same
                    self._client.api.remove_container(one["Id"], force=True, v=True)

    def _run(self, container: str) -> None:
        api = self._client.api
        api.start(container)
        code = api.wait(container)["StatusCode"]
        if code != 0:
            said = api.logs(container, tail=20).decode(errors="replace").strip()
            raise CompileError(
                f"the environment's Python could not compile its packages (exit code {code}): {said or 'no output'}",
                hint="the environment's `python` package does not run on this base image; try another `base_image`",
            )

    def _output(self, container: str, number: int) -> Mapping[str, bytes]:
        blocks, _ = self._client.api.get_archive(container, f"/{_FOLDER}/out/{number}", chunk_size=CHUNK)
        compiled = {}
        with tarfile.open(fileobj=cast(IO[bytes], IteratorStream(blocks)), mode="r|", bufsize=CHUNK) as tar:
            for member in tar:
                if member.isreg():
                    source = member.name.split("/", 1)[1].removesuffix("c")
                    compiled[source] = cast(IO[bytes], tar.extractfile(member)).read()
        return compiled


def _is_orphan(maker: str) -> bool:
    """Whether the process that made a container ran on this machine and is no more."""
    pid, _, host = maker.partition("@")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):  # another user's
        return False
    return False


def _input(number: int, sources: Sources) -> Iterator[bytes]:
    """A tar of the modules, in blocks."""
    wanted = set(sources.paths)
    out = _Blocks()
    writer = LayerWriter(out)
    writer.directory(f"in/{number}")
    writer.directory("out", 0o777)  # the volume is root's
    with tarfile.open(sources.layer.path, "r:") as tar:
        for member in tar:
            if member.name in wanted:
                data = cast(IO[bytes], tar.extractfile(member)).read()
                writer.file(f"in/{number}/{member.name}", 0o644, 0, len(data), [data])
                if out.size > CHUNK:
                    yield out.take()
    writer.close()
    yield out.take()


class _Blocks:
    """Collects what is written until it is taken."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()

    @property
    def size(self) -> int:
        return self._buffer.tell()

    def write(self, data: bytes) -> None:
        self._buffer.write(data)

    def take(self) -> bytes:
        data = self._buffer.getvalue()
        self._buffer = io.BytesIO()
        return data
