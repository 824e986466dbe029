"""The bucket as a process in a step's container sees it: it reads by itself, and asks for everything else.

What is read is signed here with the credentials that the worker was given, if it was; they are renewed behind it. Every
other request is signed by the scheduler, which refuses what is not a step's to do.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Optional, Union

from dockerflow.store.errors import AccessDenied, StoreError, Unreachable
from dockerflow.store.s3.access import Access, Answer, Question, ToSign
from dockerflow.store.s3.aside import Aside
from dockerflow.store.s3.client import SINGLE, SmallObjects
from dockerflow.store.s3.exchange import Exchange
from dockerflow.store.s3.line import VARIABLE, Line
from dockerflow.store.s3.signing import Credentials, Request, Signed, WithCredentials
from dockerflow.store.s3_blobs import S3Blobs
from dockerflow.store.s3_store import S3Store

# Credentials that have less than this left are renewed before they are used: a request must not be late with them.
LATE = 60.0

# How long to wait before asking again for what may be had in a while, in seconds.
PAUSE = 1.0

_READING = ("GET", "HEAD")


class GrantedSigner:
    """Signs by `access`, and by asking. Threads may share it."""

    def __init__(self, line: Line, access: Optional[Access] = None) -> None:
        self._line = line
        self._lock = threading.Lock()
        self.access = self._given() if access is None else access
        self._own = WithCredentials(self.access.place, self._credentials)

    def __call__(self, request: Request) -> Signed:
        if self.access.lease is not None and request.method in _READING:
            return self._own(request)
        wanted = ToSign(request.method, request.key, tuple(request.query.items()), tuple(request.headers.items()))
        signed = self._asked(Question(wanted), self._until()).signed
        if signed is None:
            raise _nothing(self._line)
        return Signed(signed.url, dict(signed.headers))

    def others(self, why: str) -> Optional[StoreError]:
        """See `exchange`: the scheduler is asked."""
        try:
            refused = self._line.ask(Question(unanswered=why)).refused
        except StoreError:
            return None
        return None if refused is None or refused.again else Unreachable(refused.message, refused.hint or None)

    def _given(self, until: float = 0.0) -> Access:
        access = self._asked(Question(), until).access
        if access is None:
            raise _nothing(self._line)
        return access

    def _credentials(self) -> Credentials:
        with self._lock:
            lease = self.access.lease
            if lease is None or lease.expires - time.time() < LATE:
                self.access = self._given(self._until())
                lease = self.access.lease
        if lease is None:
            raise AccessDenied("the scheduler no longer gives this step credentials to read the store with")
        return Credentials(lease.access_key, lease.secret_key, lease.session_token)

    def _until(self) -> float:
        return time.monotonic() + self.access.patience

    def _asked(self, question: Question, until: float) -> Answer:
        """Raises AccessDenied for what is refused, Unreachable for what could not be had until then."""
        while True:
            answer = self._line.ask(question)
            if answer.refused is None:
                return answer
            if not answer.refused.again:
                raise AccessDenied(answer.refused.message, answer.refused.hint or None)
            if time.monotonic() >= until:
                raise Unreachable(answer.refused.message, answer.refused.hint or None)
            time.sleep(PAUSE)


class GrantedObjects(SmallObjects):
    """The bucket for who asks. A server that never answers him, and answers the scheduler, is not waited for long."""

    def __init__(self, signer: GrantedSigner, single: int = SINGLE) -> None:
        place, patience = signer.access.place, signer.access.patience
        super().__init__(place, signer, patience, single)
        self._exchange = Exchange(place, signer, patience, signer.others)


def granted_store(line: Line, outbox: Union[str, Path], access: Optional[Access] = None) -> S3Store:
    """The store of a step; without `access` it is asked for."""
    return S3Store(GrantedObjects(GrantedSigner(line, access)), outbox)


def granted_outbox(line: Line, access: Optional[Access], folder: str) -> Aside:
    """The outbox of a run in its bucket, for what is too large for one request."""
    signer = GrantedSigner(line, access)
    return Aside(GrantedObjects(signer, single=0), folder, S3Blobs(GrantedObjects(signer)))


def store_of_this_step(outbox: Union[str, Path]) -> Optional[S3Store]:
    """The store of the step that this process is a part of; None where there is no bucket to ask for."""
    path = os.environ.get(VARIABLE)
    return granted_store(Line(path), outbox) if path else None


def _nothing(line: Line) -> StoreError:
    return StoreError(f"the answer at `{line.path}` is not to what was asked")
