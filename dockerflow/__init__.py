"""dockerflow: data-science workflows whose steps run in their own containers, with their own library versions.

This is everything users import. It is lazy: a name is loaded when it is first used, so that `import dockerflow` costs
nothing, in a step container too, where only a part of the package is there.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, List

if TYPE_CHECKING:
    from dockerflow.client import (
        Artifact,
        DataArtifact,
        Flow,
        Metaflow,
        Run,
        Step,
        Task,
        default_metadata,
        default_namespace,
        get_metadata,
        get_namespace,
        metadata,
        namespace,
    )
    from dockerflow.errors import DockerflowError
    from dockerflow.flow.config import Config
    from dockerflow.flow.config_value import ConfigValue
    from dockerflow.flow.current import current
    from dockerflow.flow.custom import (
        USER_SKIP_STEP,
        FlowMutator,
        StepMutator,
        UserStepDecorator,
        user_step_decorator,
    )
    from dockerflow.flow.decorators import (
        catch,
        conda,
        conda_base,
        image,
        parallel,
        pypi,
        pypi_base,
        resources,
        retry,
        step,
    )
    from dockerflow.flow.expressions import config_expr
    from dockerflow.flow.mutable import MutableFlow, MutableStep
    from dockerflow.flow.parameters import IncludeFile, JSONType, JSONTypeClass, Parameter
    from dockerflow.flow.spec import FlowSpec
    from dockerflow.flow.task_decorators import (
        airflow_external_task_sensor,
        airflow_s3_key_sensor,
        batch,
        cache,
        card,
        environment,
        exit_hook,
        isolation,
        kubernetes,
        local,
        project,
        pytorch_parallel,
        remote,
        schedule,
        secrets,
        timeout,
        trigger,
        trigger_on_finish,
    )
    from dockerflow.runner import NBRunner, Runner

__version__ = "0.1.0"

__all__ = [
    "USER_SKIP_STEP",
    "Artifact",
    "Config",
    "ConfigValue",
    "DataArtifact",
    "DockerflowError",
    "Flow",
    "FlowMutator",
    "FlowSpec",
    "IncludeFile",
    "JSONType",
    "JSONTypeClass",
    "Metaflow",
    "MutableFlow",
    "MutableStep",
    "NBRunner",
    "Parameter",
    "Run",
    "Runner",
    "Step",
    "StepMutator",
    "Task",
    "UserStepDecorator",
    "airflow_external_task_sensor",
    "airflow_s3_key_sensor",
    "batch",
    "cache",
    "card",
    "catch",
    "conda",
    "conda_base",
    "config_expr",
    "current",
    "default_metadata",
    "default_namespace",
    "environment",
    "exit_hook",
    "get_metadata",
    "get_namespace",
    "image",
    "isolation",
    "kubernetes",
    "local",
    "metadata",
    "namespace",
    "parallel",
    "project",
    "pypi",
    "pypi_base",
    "pytorch_parallel",
    "remote",
    "resources",
    "retry",
    "schedule",
    "secrets",
    "step",
    "timeout",
    "trigger",
    "trigger_on_finish",
    "user_step_decorator",
]

_MODULES = {
    "dockerflow.client": (
        "Artifact",
        "DataArtifact",
        "Flow",
        "Metaflow",
        "Run",
        "Step",
        "Task",
        "default_metadata",
        "default_namespace",
        "get_metadata",
        "get_namespace",
        "metadata",
        "namespace",
    ),
    "dockerflow.errors": ("DockerflowError",),
    "dockerflow.flow.config": ("Config",),
    "dockerflow.flow.config_value": ("ConfigValue",),
    "dockerflow.flow.current": ("current",),
    "dockerflow.flow.custom": (
        "USER_SKIP_STEP",
        "FlowMutator",
        "StepMutator",
        "UserStepDecorator",
        "user_step_decorator",
    ),
    "dockerflow.flow.decorators": (
        "catch",
        "conda",
        "conda_base",
        "image",
        "parallel",
        "pypi",
        "pypi_base",
        "resources",
        "retry",
        "step",
    ),
    "dockerflow.flow.expressions": ("config_expr",),
    "dockerflow.flow.mutable": ("MutableFlow", "MutableStep"),
    "dockerflow.flow.parameters": ("IncludeFile", "JSONType", "JSONTypeClass", "Parameter"),
    "dockerflow.flow.spec": ("FlowSpec",),
    "dockerflow.flow.task_decorators": (
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
    ),
    "dockerflow.runner": ("NBRunner", "Runner"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module `dockerflow` has no attribute `{name}`")
    value = getattr(_home(name), name)
    globals()[name] = value
    return value


def _home(name: str) -> Any:
    """In a step's container there is nothing to start a run with, and a flow's file may import it all the same."""
    try:
        return importlib.import_module(_HOME[name])
    except ModuleNotFoundError as error:
        if error.name != "dockerflow.runner":
            raise
        return importlib.import_module("dockerflow.flow.no_runner")


def __dir__() -> List[str]:
    return sorted({*globals(), *__all__})
