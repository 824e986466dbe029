"""The containers of runs that nobody ends any more, as their scheduler is dead: which there are, and their removal."""

from __future__ import annotations

from collections.abc import Collection

import docker

from dockerflow.engines.boundary import translated
from dockerflow.lazy_dataclasses import dataclass

_GONE = (404, 409)  # or going: somebody else was quicker


@dataclass(frozen=True)
class EndedRun:
    """`containers` are names of those that it took over from the run that it resumed; `spared` belong to others."""

    flow: str
    run_id: str
    containers: Collection[str] = ()
    spared: Collection[str] = ()

    def has(self, run_id: str, name: str) -> bool:
        return (run_id == self.run_id or name in self.containers) and name not in self.spared


def running_containers(client: docker.DockerClient, url: str, flow: str) -> frozenset[str]:
    """The names of the containers of a flow's runs that run. Raises EngineError."""
    with translated(f"look for the containers of flow `{flow}`", url):
        found = client.api.containers(filters={"label": [f"dockerflow.flow={flow}", "dockerflow.run"]})
    return frozenset(_name(each["Names"]) for each in found)


def remove_containers(client: docker.DockerClient, url: str, run: EndedRun) -> int:
    """Remove those of the run, whatever they do, with their volumes; how many there were. Raises EngineError."""
    with translated(f"remove the containers of run `{run.flow}/{run.run_id}`", url):
        found = client.api.containers(all=True, filters={"label": [f"dockerflow.flow={run.flow}", "dockerflow.run"]})
        theirs = [each["Id"] for each in found if run.has(each["Labels"]["dockerflow.run"], _name(each["Names"]))]
        for container_id in theirs:
            try:
                client.api.remove_container(container_id, v=True, force=True)
            except docker.errors.APIError as error:
                if error.status_code not in _GONE:
                    raise
    return len(theirs)


def runs_there(client: docker.DockerClient, url: str) -> list[tuple[str, str]]:
    """Flow and id of the runs that have containers on an engine. Raises EngineError."""
    with translated("look for containers of runs", url):
        found = client.api.containers(all=True, filters={"label": ["dockerflow.flow", "dockerflow.run"]})
    return sorted({(each["Labels"]["dockerflow.flow"], each["Labels"]["dockerflow.run"]) for each in found})


def _name(names: Collection[str]) -> str:
    return next((name.lstrip("/") for name in names), "")
