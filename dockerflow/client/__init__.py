"""Read past runs: `Flow("GenreStats").latest_successful_run.data.genre_stats`.

    flow        Metaflow, Flow   what there is
    run         Run              how it ended, the artifacts of its last step, its tags
    step        Step             its tasks
    task        Task             attempts, logs, times, the container and its image
    artifact    DataArtifact     one value
    ahead                        reading for a loop what it will ask for next
    namespaces  namespace, …     whose runs are seen
    stores      metadata, …      which store is read
    pages                        what all of these show in a notebook; `picture` draws a run's graph by its `layout`
    errors                       what is raised for what is not there

Names and behaviour are those of Metaflow's client. Nothing is cached beyond what cannot change, and nothing is written
but the tags of a run. Standard library only, Python 3.7: steps may read past runs too.
"""

from __future__ import annotations

from dockerflow.client.artifact import Artifact, DataArtifact
from dockerflow.client.errors import (
    ClientError,
    InvalidPathspec,
    NamespaceMismatch,
    NoStore,
    NotFound,
    TaggingError,
)
from dockerflow.client.flow import Flow, Metaflow
from dockerflow.client.namespaces import default_namespace, get_namespace, namespace
from dockerflow.client.run import Run
from dockerflow.client.step import Step
from dockerflow.client.stores import default_metadata, get_metadata, metadata
from dockerflow.client.task import Task

__all__ = [
    "Artifact",
    "ClientError",
    "DataArtifact",
    "Flow",
    "InvalidPathspec",
    "Metaflow",
    "NamespaceMismatch",
    "NoStore",
    "NotFound",
    "Run",
    "Step",
    "TaggingError",
    "Task",
    "default_metadata",
    "default_namespace",
    "get_metadata",
    "get_namespace",
    "metadata",
    "namespace",
]
