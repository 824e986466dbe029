"""Images as users bring them along, made on the tests' engine."""

from __future__ import annotations

import hashlib
import io
import json
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import docker

from tests.conftest import BASE_IMAGE
from tests.engines import programs

# Debian with its whole Python.
WHOLE = "dockerflow-test/python:1"

# What a worker must be indifferent to: an entry point that does something else, a user, a folder that is not there for
# others, a check of health, and neither `/work` nor a `/tmp` for everybody.
STUBBORN = """
RUN rm -rf /work && chmod 0700 /tmp && mkdir -m 0700 /private
RUN rm /usr/bin/python3 && ln -s /usr/bin/python3.11 /usr/local/bin/python3
ENV COLOUR=green
ENV HOME=/private
USER root
WORKDIR /private
HEALTHCHECK CMD ["/bin/false"]
ENTRYPOINT ["/bin/false"]
CMD ["--never"]
"""

# A program that says what an old Python would: there is none to be had any more.
OLD = """
RUN printf '#!/bin/sh\\nprintf "dockerflow-python\\\\t3.6.9\\\\t\\\\t\\\\t\\\\n"\\n' > /usr/local/bin/python3
RUN chmod 755 /usr/local/bin/python3
"""

# A Python without a part of its library, as `python3-minimal` has it.
PARTIAL = """
RUN rm /usr/lib/python3.11/tarfile.py
"""


_CONFIG = """
version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """A registry of images in this folder, on the loopback device; gives its host and port."""
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    config = folder / "config.yml"
    config.write_text(_CONFIG.format(folder=folder / "data", port=port))
    program = programs.program_path("docker-registry")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, "serve", str(config)], stdout=log, stderr=log)
    try:
        _wait(process, port, folder / "log")
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.02)


def build(client: docker.DockerClient, name: str, instructions: str, base: str = WHOLE) -> str:
    """Make the image `name` from a Dockerfile; its ID."""
    text = f"FROM {base}\n{instructions}".encode()
    image, _ = client.images.build(fileobj=io.BytesIO(text), tag=name, network_mode="none", rm=True)
    return str(image.id)


def old(client: docker.DockerClient, name: str) -> str:
    return build(client, name, OLD, BASE_IMAGE)


def of_another_processor(client: docker.DockerClient, name: str, processor: str = "arm64") -> None:
    """An image with nothing in it that says to be for another processor."""
    layer = _tar({})
    diff_id = f"sha256:{hashlib.sha256(layer).hexdigest()}"
    config = json.dumps(
        {
            "architecture": processor,
            "os": "linux",
            "config": {"Cmd": ["/never"]},
            "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        }
    ).encode()
    manifest = json.dumps([{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]).encode()
    archive = _tar({"config.json": config, "layer.tar": layer, "manifest.json": manifest})
    client.images.load(archive)


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
