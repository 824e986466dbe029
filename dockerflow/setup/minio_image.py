"""The image of MinIO: its program upon the base image, made on an engine that can pull nothing.

`images/minio/Dockerfile` makes the same where a registry answers. The image's name says which version of the server is
in it and how it was made, so that another one is another image.
"""

from __future__ import annotations

import hashlib
import io
import platform
import tarfile
import tempfile
from pathlib import Path
from typing import IO

from docker import DockerClient

from dockerflow.config import Config
from dockerflow.engines.boundary import translated
from dockerflow.engines.docker import DockerHost
from dockerflow.setup import base_image, minio
from dockerflow.setup.errors import ServiceNotReady
from dockerflow.setup.finding import Finding, Notify, ignore

BASE = Config().base_image
USER = 10001
# What is the server's: its data, and its root user's name and password. No process of another user looks in.
HOME = "/srv/minio"
DATA = f"{HOME}/data"
PORT = 9000

# Go's words for what machines are.
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

# The last stage of images/minio/Dockerfile.
DOCKERFILE = f"""\
FROM {BASE}
COPY minio /usr/local/bin/minio
COPY healthy /usr/local/bin/healthy
RUN install -d -o {USER} -g {USER} -m 700 {HOME} {DATA}
ENV MINIO_BROWSER=off HOME=/tmp
VOLUME {HOME}
EXPOSE {PORT}
USER {USER}:{USER}
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["healthy"]
ENTRYPOINT ["minio", "server", "{DATA}", "--address", ":{PORT}", "--quiet"]
"""
HEALTHY = """\
#!/bin/bash
# Whether a MinIO is ready: healthy [HOST [PORT]]. There is neither curl nor wget in the image.
exec 3<>"/dev/tcp/${1:-127.0.0.1}/${2:-9000}" || exit 1
printf 'GET /minio/health/cluster HTTP/1.0\\r\\nHost: minio\\r\\n\\r\\n' >&3
read -r -t 5 answer <&3 && [[ $answer == *" 200 "* ]]
"""

# Named after the version of the server, and after what the image is made by.
_RECIPE = hashlib.sha256((DOCKERFILE + HEALTHY).encode()).hexdigest()[:8]
IMAGE = f"dockerflow/minio:{minio.VERSION.split('-')[1][:8]}-{_RECIPE}"


def ensure(host: DockerHost, kept: Path, notify: Notify = ignore) -> Finding | None:
    """The image on the engine, made if need be; None if it was there. Programs that are built stay in `kept`.

    Raises ProgramNotBuilt, BaseNotReady, ServiceNotReady.
    """
    with translated("look for the image of MinIO", host.url):
        if host.client.images.list(IMAGE):
            return None
    base_image.ensure(host.client, BASE, notify)
    program = minio.program(kept, _architecture(host), notify)
    notify(Finding("minio", "doing", f"making the image `{IMAGE}`"))
    make(host, program)
    return Finding("minio", "made", f"made the image `{IMAGE}`")


def make(host: DockerHost, program: Path, name: str = IMAGE) -> None:
    """Make the image from a program that runs on the engine."""
    with tempfile.TemporaryFile() as context, translated("make the image of MinIO", host.url):
        _write(context, program)
        context.seek(0)
        _build(host.client, context, name)


def _build(client: DockerClient, context: IO[bytes], name: str) -> None:
    words = client.api.build(
        fileobj=context, custom_context=True, tag=name, rm=True, forcerm=True, network_mode="none", decode=True
    )
    for word in words:
        if "error" in word:
            raise ServiceNotReady(f"the image `{name}` could not be made: {str(word['error']).strip()}")


def _write(context: IO[bytes], program: Path) -> None:
    """The build's context: the same bytes for the same program."""
    with tarfile.open(fileobj=context, mode="w") as archive, program.open("rb") as opened:
        _add(archive, "Dockerfile", io.BytesIO(DOCKERFILE.encode()), len(DOCKERFILE.encode()), 0o644)
        _add(archive, "healthy", io.BytesIO(HEALTHY.encode()), len(HEALTHY.encode()), 0o755)
        _add(archive, "minio", opened, program.stat().st_size, 0o755)


def _add(archive: tarfile.TarFile, name: str, content: IO[bytes], size: int, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, mode
    archive.addfile(entry, content)


def _architecture(host: DockerHost) -> str:
    """Go's word for what the engine runs on; empty if that is this machine's own."""
    said, own = str(host.client.version().get("Arch")), platform.machine()
    return "" if said == _ARCHITECTURES.get(own, own) and platform.system() == "Linux" else said
