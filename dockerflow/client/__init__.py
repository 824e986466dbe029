"""Read past runs: `Flow("GenreStats").latest_successful_run.data.genre_stats`.

    flow      Flow, Run      what there is, how it ended, the artifacts of `end`
    task      Step, Task     attempts, logs, times, the container and its image
    artifact  Artifact       one value
    errors    what is raised for what is not there

Names and behaviour are those of Metaflow's client. Nothing is cached beyond what cannot change, and nothing is written.
Standard library only, Python 3.7: steps may read past runs too.
"""

from __future__ import annotations

from dockerflow.client.artifact import Artifact
from dockerflow.client.errors import ClientError, InvalidPathspec, NoStore, NotFound
from dockerflow.client.flow import Flow, Run
from dockerflow.client.task import Step, Task

__all__ = ["Artifact", "ClientError", "Flow", "InvalidPathspec", "NoStore", "NotFound", "Run", "Step", "Task"]
