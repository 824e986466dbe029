"""What may go wrong with a store.

The classes say what a caller can act on; the message says where.

    StoreError
    ├── Unreachable      no answer from the server, however often it was asked
    ├── AccessDenied     the server knows us not, or does not allow what was asked
    ├── MissingBlob      nothing is stored under a hash that something refers to
    ├── DamagedBlob      what is stored under a hash is something else
    └── DamagedRecord    a journal, a log or a manifest that cannot be read

    TaggingError         something that cannot be a tag, or a change of tags that a run does not allow
"""

from __future__ import annotations

from dockerflow.errors import DockerflowError

__all__ = ["AccessDenied", "DamagedBlob", "DamagedRecord", "MissingBlob", "StoreError", "TaggingError", "Unreachable"]


class StoreError(DockerflowError):
    """A store that cannot be found, read or written."""

    exit_code = 7


class Unreachable(StoreError):
    pass


class AccessDenied(StoreError):
    pass


class MissingBlob(StoreError):
    pass


class DamagedBlob(StoreError):
    pass


class DamagedRecord(StoreError):
    pass


class TaggingError(DockerflowError):
    """Tags that a run cannot have, or cannot lose. Nothing was changed."""

    exit_code = 2
