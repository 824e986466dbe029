"""Which container a step's tasks run in: what is asked of the engine for a worker, and which steps can share workers.

Steps share them whose containers would be the same: the same image, limits and variables. A line of steps with one
environment then starts one container instead of many. What a task leaves behind in a container is removed before a task
of another step begins there (see `runtime.server`).
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dockerflow.config import Config
from dockerflow.engines.worker import BucketForWorkers, WorkerRequest
from dockerflow.flow.definition import Environment, Flow, Isolation, Parallel, Resources, Step
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.base import Store
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.records import RunStarted

if TYPE_CHECKING:
    from dockerflow.scheduler.prepare import StepEnvironment

# What each step runs in, by step; nothing where steps run without images.
Environments = Mapping[str, "StepEnvironment"]

# What an engine does not take in a container's name, and Python takes in a class's.
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]")


@dataclass(frozen=True)
class Requests:
    """What to start for the workers of a run. `bucket` is there where the store is one."""

    flow: Flow
    started: RunStarted
    environments: Environments
    config: Config
    store: Store
    bucket: BucketForWorkers | None
    outbox: Path
    bytecode: bytes  # see `scheduler.bytecode`
    gpus: int | None = None  # that the host has; None: not known

    def __call__(self, number: int, step: str) -> WorkerRequest:
        """For worker `number`, which begins with tasks of `step`."""
        started, store, environment = self.started, self.store, self.environments.get(step)
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
            bucket=self.bucket,
            environment={"DOCKERFLOW_USER": started.user, **_variables(self.flow.steps[step])},
            cpu=resources.cpu,
            memory=resources.memory,
            gpu=resources.gpu,
            gpus_there=self.gpus,
            shared_memory=resources.shared_memory,
            network=self.config.network,
            isolation=_isolation(self.flow.steps[step]),
            gang=self.flow.steps[step].decorator(Parallel) is not None,
            bytecode=self.bytecode,
            own=environment.own if environment else None,
        )


def sharing(flow: Flow, environments: Environments) -> Iterator[tuple[Step, str]]:
    """Each step, and whose workers run its tasks: its own, or those of one before it that has the same containers."""
    first: dict[Hashable, str] = {}
    for name, step in flow.steps.items():
        yield step, first.setdefault(_same(step, environments.get(name)), name)


def _same(step: Step, environment: StepEnvironment | None) -> Hashable:
    """What is equal for steps that can share a container.

    A gang has its containers for itself; and so has a step in an image of the user's, which may say of any folder that
    it can be written.
    """
    alone = step.decorator(Parallel) is not None or (environment is not None and environment.own is not None)
    return (
        environment.container_image if environment else None,
        step.decorator(Resources) or Resources(),
        frozenset(_variables(step).items()),
        _isolation(step),
        step.name if alone else None,
    )


def _variables(step: Step) -> dict[str, str]:
    return dict((step.decorator(Environment) or Environment()).vars)


def _isolation(step: Step) -> str | None:
    return (step.decorator(Isolation) or Isolation()).level
