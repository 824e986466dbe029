"""What may go wrong with a run that is no fault of its parts.

RunError
"""

from __future__ import annotations

from dockerflow.errors import DockerflowError

__all__ = ["RunError"]


class RunError(DockerflowError):
    """A run that cannot begin."""

    exit_code = 1
