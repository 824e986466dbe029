"""A program that holds a worker on a remote host with a running task, says its container's name, and waits for its end.

It reads a WorkerRequest from standard input; its arguments are the engine's address, the manifest of the run's
parameters, and the step.
"""

from __future__ import annotations

import queue
import signal
import sys
from pathlib import Path

from dockerflow.engines.docker import DockerHost
from dockerflow.engines.worker import WorkerRequest
from dockerflow.host_settings import HostSettings
from dockerflow.runtime.messages import Log, RunTask

url, parameters, step = sys.argv[1:]
heard: queue.Queue[object] = queue.Queue()
request = eval(sys.stdin.readline(), {"WorkerRequest": WorkerRequest, "Path": Path})
host = DockerHost.reach(HostSettings("box", url), python="/usr/bin/python3")
worker = host.start_worker(request, lambda _, said: heard.put(said))
worker.send(RunTask(request.flow_name, "1", step, "1", 0, True, parameters, ()))
while not isinstance(heard.get(), Log):
    pass
print(request.name, flush=True)
signal.pause()
