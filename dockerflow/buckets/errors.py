"""What may go wrong when a bucket is opened, and what who opens it can do about it.

StoreError
├── NoBucket       the server is there and the bucket is not
└── WrongRegion    the bucket is in another region than was asked; `region` where the server tells
"""

from __future__ import annotations

from dockerflow.store.errors import StoreError

__all__ = ["NoBucket", "WrongRegion"]


class NoBucket(StoreError):
    pass


class WrongRegion(StoreError):
    def __init__(self, message: str, hint: str, region: str | None) -> None:
        super().__init__(message, hint)
        self.region = region
