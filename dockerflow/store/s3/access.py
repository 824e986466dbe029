"""What a container may do in the bucket, and how it asks for more: values alone.

A container gets `Access`: where the bucket is as containers see it, and credentials that are good for a while and for
reading what steps may read; none where the server gives none like that. For everything else, writing first of all, it
asks: a `Question` goes to the scheduler, which signs a request that it finds right, and its `Answer` comes back. Who
carries them is `line` in a task and `dockerflow.runtime.broker` in its worker.

All of it travels over a worker's standard streams and a socket of its own. It is never in an environment, a command
line, a label, a log or a file, and the secret parts are in no representation.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from dataclasses import field
from typing import Optional, Tuple

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.s3.place import Place

# Names and values of a query or of headers.
Pairs = Tuple[Tuple[str, str], ...]


@dataclass(frozen=True)
class Lease:
    """Credentials until `expires`, in seconds since the epoch."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expires: float


@dataclass(frozen=True)
class Access:
    """A bucket as containers see it. Without a lease every request has to be signed by the scheduler."""

    place: Place
    patience: float = 120.0  # seconds
    lease: Optional[Lease] = None


@dataclass(frozen=True)
class ToSign:
    """A request that somebody else is to sign; as `signing.Request` has it, without the hash of a body."""

    method: str
    key: Optional[str]
    query: Pairs = ()
    headers: Pairs = ()


@dataclass(frozen=True)
class Presigned:
    """The URL of a request that is good for a while, and the headers that have to go with it."""

    url: str = field(repr=False)
    headers: Pairs = ()


@dataclass(frozen=True)
class Refused:
    """Why there is no answer. `again`: it may be worth asking again in a while."""

    message: str
    hint: str = ""
    again: bool = False


@dataclass(frozen=True)
class Question:
    """Sign this request; without one: what access is there now? Or, with what happened here: is the server there for
    you? It has never answered us."""

    request: Optional[ToSign] = None
    unanswered: str = ""


@dataclass(frozen=True)
class Answer:
    """One of the three."""

    access: Optional[Access] = None
    signed: Optional[Presigned] = None
    refused: Optional[Refused] = None
