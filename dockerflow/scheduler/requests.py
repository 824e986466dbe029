"""Which container a step's tasks run in: what is asked of the engine for a worker, and which steps can share workers.

Steps share them whose containers would be the same: the same image, limits and variables. A line of steps with one
environment then starts one container instead of many. What a task leaves behind in a container is removed before a task
of another step begins there (see `runtime.server`).
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path

from dockerflow.engines.worker import BucketForWorkers, WorkerRequest
from dockerflow.flow.definition import Environment, Flow, Isolation, Parallel, Resources, Step
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.scheduler.hosts import Hosts
from dockerflow.scheduler.values import Running
from dockerflow.store import log
from dockerflow.store.base import Store
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.history import Attempt
from dockerflow.store.records import LogLine, RunStarted

# What an engine does not take in a container's name, and Python takes in a class's.
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]")


@dataclass(frozen=True)
class Requests:
    """What to start for the workers of a run. `buckets` are by host, and there where the store is one; `origins` are
    those of the run that is resumed.
    """

    flow: Flow
    started: RunStarted
    hosts: Hosts
    store: Store
    buckets: Mapping[str, BucketForWorkers]
    outbox: Path
    bytecode: bytes  # see `scheduler.bytecode`
    origins: Mapping[str, BucketForWorkers] = field(default_factory=dict)

    def __call__(self, number: int, step: str, host: str) -> WorkerRequest:
        """For worker `number`, which begins with tasks of `step`."""
        started, store, there = self.started, self.store, self.hosts.by_name[host]
        environment = there.environments.get(step)
        resources = self.flow.steps[step].decorator(Resources) or Resources()
        return WorkerRequest(
            worker_id=number,
            name=_NOT_IN_NAMES.sub("_", f"dockerflow-{started.flow}-{started.run_id}-{step}-{number}"),
            image=environment.container_image if environment else "",
            labels={"dockerflow.flow": started.flow, "dockerflow.run": started.run_id, "dockerflow.step": step},
            flow_name=started.flow,
            flow_file=started.flow_file,
            code=started.code,
            blobs=store.blobs.root if isinstance(store, DirectoryStore) else None,
            outbox=self.outbox / str(number),
            runs=store.root / "runs" if isinstance(store, DirectoryStore) else None,
            bucket=self.buckets.get(host),
            environment={"DOCKERFLOW_USER": started.user, **_variables(self.flow.steps[step])},
            cpu=resources.cpu,
            memory=resources.memory,
            gpu=resources.gpu,
            gpus_there=there.gpus,
            shared_memory=resources.shared_memory,
            network=there.network,
            isolation=_isolation(self.flow.steps[step]),
            gang=self.flow.steps[step].decorator(Parallel) is not None,
            bytecode=self.bytecode,
            own=environment.own if environment else None,
        )

    def adopting(self, number: int, step: str, running: Running) -> WorkerRequest:
        """For worker `number`, which is a container that a run before has started."""
        request = self(number, step, running.host)
        return replace(request, name=running.worker, bucket=self.origins.get(running.host))

    def printed(self, running: Running) -> Iterator[LogLine]:
        """What an attempt of the run that is resumed had printed. Raises StoreError."""
        started = self.started
        attempt = Attempt(running.attempt)
        return log.of_attempt(self.store, started.flow, started.origin_run_id or "", running.task_id, attempt)


def sharing(flow: Flow, hosts: Hosts) -> Iterator[tuple[Step, str]]:
    """Each step, and whose workers run its tasks: its own, or those of one before it that has the same containers."""
    first: dict[Hashable, str] = {}
    for name, step in flow.steps.items():
        yield step, first.setdefault(_same(step, hosts), name)


def _same(step: Step, hosts: Hosts) -> Hashable:
    """What is equal for steps that can share a container.

    A gang has its containers for itself; and so has a step in an image of the user's, which may say of any folder that
    it can be written.
    """
    places = hosts.places[step.name]
    environments = [hosts.by_name[name].environments.get(step.name) for name in places]
    alone = step.decorator(Parallel) is not None or any(each and each.own for each in environments)
    return (
        places,
        tuple(each and each.container_image for each in environments),
        step.decorator(Resources) or Resources(),
        frozenset(_variables(step).items()),
        _isolation(step),
        step.name if alone else None,
    )


def _variables(step: Step) -> dict[str, str]:
    return dict((step.decorator(Environment) or Environment()).vars)


def _isolation(step: Step) -> str | None:
    return (step.decorator(Isolation) or Isolation()).level
