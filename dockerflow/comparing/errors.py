"""What may go wrong when runs are held against each other.

    ComparingError
    ├── ConditionError    exit 2   what is written is no condition on runs
    └── Unreadable        exit 7   bytes that are no artifact, or a damaged one

A run that is not there is a ClientError, and what of it is lost a StoreError.
"""

from __future__ import annotations

from dockerflow.errors import DockerflowError

__all__ = ["ComparingError", "ConditionError", "Unreadable"]


class ComparingError(DockerflowError):
    pass


class ConditionError(ComparingError):
    exit_code = 2


class Unreadable(ComparingError):
    exit_code = 7
