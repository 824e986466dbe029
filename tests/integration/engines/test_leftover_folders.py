"""A worker of the process engine whose scheduler is gone leaves nothing on the disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dockerflow.engines.command import Place, worker_command
from dockerflow.engines.process import ProcessHost
from dockerflow.runtime.messages import HEADER, Ready, read
from tests.integration.engines.conversation import LIMIT, Scene


def test_the_folder_of_work_goes_with_the_worker(tmp_path: Path) -> None:
    scene, work = Scene(ProcessHost(), tmp_path / "scene", ""), tmp_path / "work"
    work.mkdir()
    request = scene.request("Talkative")
    command = worker_command(request, Place("process", sys.executable, request.blobs, request.outbox, work))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(HEADER.pack(0))  # no bytecode
        worker.stdin.flush()
        assert isinstance(read(worker.stdout), Ready)
        worker.stdin.close()  # as the kernel does for a scheduler that was killed
        assert worker.wait(LIMIT) == 0
    assert not work.exists()
