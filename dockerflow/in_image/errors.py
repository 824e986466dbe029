"""What may go wrong when a value is looked at in an image.

InImageError    there is no image to look in, it cannot be had, or what was asked of the value failed there
"""

from __future__ import annotations

from dockerflow.artifacts.errors import ArtifactError

__all__ = ["InImageError"]


class InImageError(ArtifactError):
    pass
