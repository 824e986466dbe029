"""What may go wrong with a store.

The classes say what a caller can act on; the message says where.

    StoreError
    ├── MissingBlob      nothing is stored under a hash that something refers to
    ├── DamagedBlob      what is stored under a hash is something else
    └── DamagedRecord    a journal, a log or a manifest that cannot be read

    TaggingError         something that cannot be a tag, or a change of tags that a run does not allow
"""

from __future__ import annotations

from dockerflow.errors import DockerflowError

__all__ = ["DamagedBlob", "DamagedRecord", "MissingBlob", "StoreError", "TaggingError"]


class StoreError(DockerflowError):
    """A store that cannot be found, read or written."""

    exit_code = 7


class MissingBlob(StoreError):
    pass


class DamagedBlob(StoreError):
    pass


class DamagedRecord(StoreError):
    pass


class TaggingError(DockerflowError):
    """Tags that a run cannot have, or cannot lose. Nothing was changed."""

    exit_code = 2
