"""What the steps of one run may do in their bucket, decided and signed: the answers to what they ask.

Steps read with credentials that the server lends for that alone, where it does; otherwise every request is signed here.
What they write is signed here in any case, request by request, with other credentials that cannot read. One's own
credentials never leave this process; where they have to sign for a step, the server is first asked whether it minds
headers that nobody signed.
"""

from __future__ import annotations

import http.client
import ssl
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from dockerflow.buckets.leases import ANSWERING, PAUSE, Bank, Leases
from dockerflow.buckets.step_rights import CHECKSUM, reading_policy, refusal, writing_policy
from dockerflow.errors import DockerflowError
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.errors import Unreachable
from dockerflow.store.s3.access import Access, Answer, Lease, Presigned, Question, Refused, ToSign
from dockerflow.store.s3.place import Place
from dockerflow.store.s3.signing import Credentials, Request, Signed, WithCredentials, presign

# How long a signed request may be made, in seconds. It has to begin by then, not to end.
GOOD_FOR = 900

# The longest that is repeated of what a step says, in characters.
_LONGEST = 200

# What a PUT is signed for whose bytes are of no interest.
_NO_HASH = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


@dataclass(frozen=True)
class Ours:
    """A bucket as this machine sees it, with who we are there, and as steps see it."""

    place: Place
    credentials: Callable[[], Credentials]
    of_steps: Place
    patience: float = 120.0


class Grants:
    """For the steps of one run. Threads share it."""

    def __init__(self, ours: Ours, flow: str, run_id: str, clock: Callable[[], float] = time.time) -> None:
        """Asks the server what it lends. Raises StoreError."""
        self._ours, self._run, self._clock = ours, (flow, run_id), clock
        self._place = ours.of_steps
        self._away = -PAUSE
        bank = Bank(ours.place, ours.credentials)
        self._reading = Leases(bank, self._if_heeded(bank, reading_policy(ours.place, flow, run_id)), clock)
        policy = writing_policy(ours.place, flow, run_id) if self._reading.current() else None
        self._writing = Leases(bank, policy, clock)
        self._may_sign = self._writing.current() is not None or _minds_what_is_not_signed(ours)

    def answer(self, question: Question) -> Answer:
        """Raises nothing."""
        try:
            if question.unanswered:
                return Answer(refused=self._compared(question.unanswered))
            if question.request is None:
                return Answer(access=Access(self._place, self._ours.patience, self._reading.current()))
            return self._signed(question.request)
        except Unreachable as error:
            return Answer(refused=Refused(error.message, error.hint or "", again=True))
        except DockerflowError as error:
            return Answer(refused=Refused(error.message, error.hint or ""))

    def _compared(self, why: str) -> Refused:
        """For a step that the server has never answered: it need not wait for a server that answers us."""
        if not self._answers_us():
            return Refused("the server does not answer the scheduler, either", again=True)
        return Refused(
            f"this step cannot reach the S3 server: for it that is `{self._place.endpoint}` ({why[:_LONGEST]}), and "
            f"for the scheduler `{self._ours.place.endpoint}`, which answers",
            "name the server as it is called on the network of the step containers with the setting "
            "`s3_containers_endpoint`; without it, it has the name in `s3_endpoint`",
        )

    def _answers_us(self) -> bool:
        """Whether the server does now; one that did not a moment ago is not asked again: workers wait meanwhile."""
        if time.monotonic() - self._away < PAUSE:
            return False
        look = WithCredentials(self._ours.place, self._ours.credentials)(Request("GET", f"runs/{uuid.uuid4().hex}"))
        with suppress(Unreachable):
            if _status(look, "GET", self._ours.place) < 500:
                return True
        self._away = time.monotonic()
        return False

    def _signed(self, wanted: ToSign) -> Answer:
        no = refusal(self._place, *self._run, wanted)
        writes = wanted.method not in ("GET", "HEAD")
        if no is None and writes and not self._may_sign:
            no = "the server would let a step do more with it than was signed"
        if no is not None:
            what = f"{wanted.method} {wanted.key or self._place.bucket}"
            return Answer(refused=Refused(f"`{what}` is not a step's to do: {no}"))
        request = Request(wanted.method, wanted.key, dict(wanted.query), dict(wanted.headers))
        lease = (self._writing if writes else self._reading).current()
        credentials = self._ours.credentials() if lease is None else _credentials(lease)
        signed = presign(self._place, credentials, request, GOOD_FOR, self._clock())
        return Answer(signed=Presigned(signed.url, tuple(signed.headers.items())))

    def _if_heeded(self, bank: Bank, policy: str | None) -> str | None:
        """The policy, if the server lends credentials for it and holds them to it: they must not see even that
        something is not there."""
        lease = bank.lend(policy)
        if lease is None:
            return None
        signer = WithCredentials(self._ours.place, lambda: _credentials(lease))
        unseen = signer(Request("GET", f"locks/{uuid.uuid4().hex}"))
        return policy if _status(unseen, "GET", self._ours.place) in (401, 403) else None


def _credentials(lease: Lease) -> Credentials:
    return Credentials(lease.access_key, lease.secret_key, lease.session_token or None)


def _minds_what_is_not_signed(ours: Ours) -> bool:
    """Whether the server refuses a signed PUT that comes with the header of a copy, which nobody signed: otherwise who
    has such a PUT could copy whatever we may read. There is nothing under the name to be copied."""
    nothing = f"locks/{uuid.uuid4().hex}"
    signer = WithCredentials(ours.place, ours.credentials)
    put = signer.presign(Request("PUT", nothing, {}, {CHECKSUM: _NO_HASH}), GOOD_FOR)
    copied = {"x-amz-copy-source": f"/{ours.place.full(nothing)}"}
    return _status(put, "PUT", ours.place, copied) in (400, 401, 403)


def _status(signed: Signed, method: str, place: Place, more: Mapping[str, str] | None = None) -> int:
    """What the server answers to a request without a body. Raises Unreachable."""
    url = urlsplit(signed.url)
    target = f"{url.path}?{url.query}" if url.query else url.path
    try:
        connection = _connection(url.scheme, url.netloc, place.ca)
        try:
            connection.request(method, target, headers={**signed.headers, **(more or {})})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(f"the server at `{place.endpoint}` does not answer: {error}") from error


def _connection(scheme: str, netloc: str, ca: str | None) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(netloc, timeout=ANSWERING)
    return http.client.HTTPSConnection(netloc, timeout=ANSWERING, context=ssl.create_default_context(cadata=ca or None))
