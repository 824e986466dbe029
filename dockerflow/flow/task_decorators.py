"""The decorators that say where and under what conditions a step's tasks run, and those of whole flows.

As in `decorators`, each only notes what was written. Some mean nothing here, because they speak to a production
scheduler: they are taken, so that a flow which has them runs, and a run says once that they are ignored.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from typing import Any

from dockerflow.flow.decorators import noted

__all__ = [
    "airflow_external_task_sensor",
    "airflow_s3_key_sensor",
    "batch",
    "cache",
    "card",
    "environment",
    "exit_hook",
    "isolation",
    "kubernetes",
    "local",
    "project",
    "pytorch_parallel",
    "remote",
    "schedule",
    "secrets",
    "timeout",
    "trigger",
    "trigger_on_finish",
]


def timeout(*arguments: Any, **options: Any) -> Any:
    """Let an attempt of the step fail after `seconds`, `minutes` and `hours`, which are added up."""
    return noted("timeout", arguments, options)


def isolation(*arguments: Any, **options: Any) -> Any:
    """Say what is fresh for each task of the step.

    `level` is "fork" (a process that begins with what the flow's file has imported), "interpreter" (a Python that
    imports it anew) or "container". Without it, a task is forked unless the import has started threads.
    """
    return noted("isolation", arguments, options)


def environment(*arguments: Any, **options: Any) -> Any:
    """Give the step's tasks environment variables: `vars` is a dictionary from variable to value."""
    return noted("environment", arguments, options)


def secrets(*arguments: Any, **options: Any) -> Any:
    """Give the step's tasks secrets from `sources`, as variables and files that nobody else sees.

    A source is `env:NAME` or `file:PATH`, either with `VARIABLE=` before it; `allow_override`: a secret may replace a
    variable that the task has already.
    """
    return noted("secrets", arguments, options)


def cache(*arguments: Any, **options: Any) -> Any:
    """Reuse the step's result in later runs, as long as all that it depends on is the same: its code, what it receives,
    the parameters that it reads, its image, and options that matter. For steps whose result depends on nothing else.
    """
    return noted("cache", arguments, options)


def card(*arguments: Any, **options: Any) -> Any:
    """Make a page about each task of the step. `id` tells several of one step apart."""
    return noted("card", arguments, options)


def remote(*arguments: Any, **options: Any) -> Any:
    """Run the step on another Docker host: on the one named `host`, or on any of several (`"a,b"`, `["a", "b"]`).

    Without `host`, on the one that is configured as `remote`. `cpu`, `memory`, `gpu` and `shared_memory` are those of
    `@resources`; where both name one, the larger counts.
    """
    return noted("remote", arguments, options)


def local(*arguments: Any, **options: Any) -> Any:
    """Run the step on this machine, wherever the command line sends the others."""
    return noted("local", arguments, options)


def batch(*arguments: Any, **options: Any) -> Any:
    """A step for another machine, in Metaflow: here for the host that is configured as `remote`, if there is one.

    `cpu`, `memory`, `gpu`, `shared_memory` and `image` count.
    """
    return noted("batch", arguments, options)


def kubernetes(*arguments: Any, **options: Any) -> Any:
    """A step for another machine, in Metaflow: the same as `@batch`, and `disk` counts, too."""
    return noted("kubernetes", arguments, options)


def pytorch_parallel(*arguments: Any, **options: Any) -> Any:
    """The same as `@parallel`."""
    return noted("pytorch_parallel", arguments, options)


def project(*arguments: Any, **options: Any) -> Any:
    """The project that a flow belongs to: its `name`, and with `branch` or `production=True` where in it."""
    return noted("project", arguments, options)


def schedule(*arguments: Any, **options: Any) -> Any:
    """Means nothing here: runs are started by `dockerflow run`."""
    return noted("schedule", arguments, options)


def trigger(*arguments: Any, **options: Any) -> Any:
    """Means nothing here: runs are started by `dockerflow run`."""
    return noted("trigger", arguments, options)


def trigger_on_finish(*arguments: Any, **options: Any) -> Any:
    """Means nothing here: runs are started by `dockerflow run`."""
    return noted("trigger_on_finish", arguments, options)


def exit_hook(*arguments: Any, **options: Any) -> Any:
    """Means nothing here, as in Metaflow's own local runs."""
    return noted("exit_hook", arguments, options)


def airflow_external_task_sensor(*arguments: Any, **options: Any) -> Any:
    """Means nothing here: it is for Airflow alone."""
    return noted("airflow_external_task_sensor", arguments, options)


def airflow_s3_key_sensor(*arguments: Any, **options: Any) -> Any:
    """Means nothing here: it is for Airflow alone."""
    return noted("airflow_s3_key_sensor", arguments, options)
