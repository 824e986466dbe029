"""The errors that flows and notebooks handle, under the names that they have in Metaflow.

    from dockerflow.exception import MetaflowException, MetaflowNotFound

Each is a class of ours under a second name, so `except` finds what dockerflow raises. `MetaflowException` is the root
of them all; flows raise it and derive their own errors from it.

Lazy, since a flow that imports this in a container must not pay for the client. Standard library only, Python 3.7.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, List

from dockerflow.errors import MetaflowException

if TYPE_CHECKING:
    from dockerflow.artifacts.errors import ArtifactError as MetaflowDataMissing
    from dockerflow.client.errors import InvalidPathspec as MetaflowInvalidPathspec
    from dockerflow.client.errors import NamespaceMismatch as MetaflowNamespaceMismatch
    from dockerflow.client.errors import NotFound as MetaflowNotFound
    from dockerflow.client.errors import TaggingError as MetaflowTaggingError
    from dockerflow.errors import DockerflowError as CommandException
    from dockerflow.errors import DockerflowError as MetaflowInternalError
    from dockerflow.errors import DockerflowError as MetaflowUnknownUser
    from dockerflow.flow.caught import Caught as MetaflowExceptionWrapper
    from dockerflow.flow.errors import InvalidFlow as InvalidDecoratorAttribute
    from dockerflow.flow.errors import MissingInMerge as MissingInMergeArtifactsException
    from dockerflow.flow.errors import ParameterError as ParameterFieldFailed
    from dockerflow.flow.errors import ParameterError as ParameterFieldTypeMismatch
    from dockerflow.flow.errors import StepError as InvalidNextException
    from dockerflow.flow.errors import TimeoutException
    from dockerflow.flow.errors import UnhandledInMerge as UnhandledInMergeArtifactsException

__all__ = [
    "CommandException",
    "InvalidDecoratorAttribute",
    "InvalidNextException",
    "MetaflowDataMissing",
    "MetaflowException",
    "MetaflowExceptionWrapper",
    "MetaflowInternalError",
    "MetaflowInvalidPathspec",
    "MetaflowNamespaceMismatch",
    "MetaflowNotFound",
    "MetaflowTaggingError",
    "MetaflowUnknownUser",
    "MissingInMergeArtifactsException",
    "ParameterFieldFailed",
    "ParameterFieldTypeMismatch",
    "TimeoutException",
    "UnhandledInMergeArtifactsException",
]

# Metaflow's name → our module and the name there.
_HOME = {
    "CommandException": ("dockerflow.errors", "DockerflowError"),
    "InvalidDecoratorAttribute": ("dockerflow.flow.errors", "InvalidFlow"),
    "InvalidNextException": ("dockerflow.flow.errors", "StepError"),
    "MetaflowDataMissing": ("dockerflow.artifacts.errors", "ArtifactError"),
    "MetaflowExceptionWrapper": ("dockerflow.flow.caught", "Caught"),
    "MetaflowInternalError": ("dockerflow.errors", "DockerflowError"),
    "MetaflowInvalidPathspec": ("dockerflow.client.errors", "InvalidPathspec"),
    "MetaflowNamespaceMismatch": ("dockerflow.client.errors", "NamespaceMismatch"),
    "MetaflowNotFound": ("dockerflow.client.errors", "NotFound"),
    "MetaflowTaggingError": ("dockerflow.client.errors", "TaggingError"),
    "MetaflowUnknownUser": ("dockerflow.errors", "DockerflowError"),
    "MissingInMergeArtifactsException": ("dockerflow.flow.errors", "MissingInMerge"),
    "ParameterFieldFailed": ("dockerflow.flow.errors", "ParameterError"),
    "ParameterFieldTypeMismatch": ("dockerflow.flow.errors", "ParameterError"),
    "TimeoutException": ("dockerflow.flow.errors", "TimeoutException"),
    "UnhandledInMergeArtifactsException": ("dockerflow.flow.errors", "UnhandledInMerge"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module `dockerflow.exception` has no attribute `{name}`")
    module, ours = _HOME[name]
    value = getattr(importlib.import_module(module), ours)
    globals()[name] = value
    return value


def __dir__() -> List[str]:
    return sorted({*globals(), *__all__})
