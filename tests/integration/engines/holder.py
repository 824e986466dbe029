"""A program that holds a worker with a running task and is then killed, as a scheduler may be.

It reads a WorkerRequest from standard input, takes the manifest of the run's parameters as its argument, and
prints the container's id.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
from pathlib import Path

from dockerflow.engines.docker import DockerHost, DockerWorker
from dockerflow.engines.worker import WorkerRequest
from dockerflow.runtime.messages import Log, RunTask

heard: queue.Queue[object] = queue.Queue()
request = eval(sys.stdin.read(), {"WorkerRequest": WorkerRequest, "Path": Path})
worker = DockerHost.connect(python="/usr/bin/python3").start_worker(request, lambda _, said: heard.put(said))
assert isinstance(worker, DockerWorker)
worker.send(RunTask(request.flow_name, "1", "prints_and_waits", "1", 0, True, sys.argv[1], ()))
while not isinstance(heard.get(), Log):
    pass
print(worker.container_id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
