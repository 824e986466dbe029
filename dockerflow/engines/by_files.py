"""Attached to a container whose standard input has ended: what is sent goes there as files, see `runtime.inbox`."""

from __future__ import annotations

import io
import tarfile
import time
from pathlib import PurePosixPath

import docker

from dockerflow.attached import Attached
from dockerflow.runtime.inbox import NAME


class AttachedByFiles(Attached):
    """`work` is the folder in which the worker works; `user` is the worker's, as `uid:gid`."""

    def __init__(self, client: docker.DockerClient, container_id: str, work: PurePosixPath, user: str) -> None:
        super().__init__(client, container_id, stdin=False)
        self._client = client
        self._container_id = container_id
        self._inbox = str(work / "run" / NAME)
        self._owner = 1 if user.partition(":")[0] == "0" else 0

    def send(self, content: bytes) -> None:
        """Write all of it. Raises OSError, as what the SDK raises is one."""
        self._client.api.put_archive(self._container_id, self._inbox, self._archive(content))

    def _archive(self, content: bytes) -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            file = tarfile.TarInfo(f"{time.time_ns():020}")
            file.size, file.mode, file.uid = len(content), 0o644, self._owner
            archive.addfile(file, io.BytesIO(content))
        return buffer.getvalue()
