"""What may go wrong between a Python value and its bytes.

The classes say which way it went wrong; the message says what inside the value, and what wrote it.

    ArtifactError
    ├── CannotEncode    a value, or something inside it, has no form that can be stored
    └── CannotDecode    stored bytes from which this Python cannot make the value again
"""

from __future__ import annotations

from typing import Optional

from dockerflow.errors import DockerflowError

__all__ = ["ArtifactError", "CannotDecode", "CannotEncode"]


class ArtifactError(DockerflowError):
    """A value that cannot be written or read."""

    exit_code = 7


class CannotEncode(ArtifactError):
    pass


class CannotDecode(ArtifactError):
    """`module` is the one that was not found, where that is why."""

    def __init__(self, message: str, hint: Optional[str] = None, module: str = "") -> None:
        super().__init__(message, hint)
        self.module = module
