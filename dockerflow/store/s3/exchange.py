"""Ask the server one thing: sign it, send it, try it again, and put into words why it was not done.

What is tried again: connections that fail, answers that are cut off, what `refusals` calls passing, and what came with
credentials that had run out: that once more, with those that there are by then.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Callable, Container, Dict, Mapping, NamedTuple, Optional, Union

from dockerflow.store.errors import StoreError
from dockerflow.store.s3.connections import Connections
from dockerflow.store.s3.incoming import Broken, Incoming
from dockerflow.store.s3.patience import Patience
from dockerflow.store.s3.place import Place, origin_of
from dockerflow.store.s3.refusals import Refusal, refusal
from dockerflow.store.s3.signing import Request, Signer
from dockerflow.store.s3.wire import NOTHING, Body, Untrusted

# A connection on which nothing moves for so many seconds is broken.
SILENCE = 60.0

# The longest answer that is read as a whole without having been asked for its size: a thousand keys of 1 KiB, and more.
LONGEST = 1 << 26


# After so many seconds without any answer ever one asks whether others get one. A server that begins anew takes less.
DOUBT = 20.0

# Why others get answers from the server and we do not; None while they do not, either.
Others = Callable[[str], Optional[StoreError]]


class Reply(NamedTuple):
    """An answer that was read to its end. `refused` is one of those that were expected."""

    headers: Dict[str, str]
    body: bytes
    refused: Optional[Refusal]


class Exchange:
    """Requests to one bucket. Threads may share it. `others` are asked where it may be that nobody but we wait for the
    server: for us it may have another name."""

    def __init__(self, place: Place, signer: Signer, patience: float, others: Optional[Others] = None) -> None:
        self.place = place
        self._others = others
        self._answered = False
        self._signer = signer
        self._seconds = patience
        # Less patience than a silent connection takes would never get to a second try.
        self.connections = Connections(place.ca, min(SILENCE, max(1.0, patience)))

    def patience(self) -> Patience:
        return Patience(self._seconds)

    def ask(
        self,
        request: Request,
        body: Body = NOTHING,
        besides: Mapping[str, str] = {},
        expected: Container[str] = (),
        patience: Optional[Patience] = None,
    ) -> Reply:
        """The whole answer. `besides` are headers that are not signed, `expected` refusals that the caller can use.

        Raises Unreachable, AccessDenied, StoreError.
        """
        patience = patience or self.patience()
        while True:
            found = self.open(request, body, besides, expected, patience)
            if isinstance(found, Refusal):
                return Reply({}, b"", found)
            try:
                return Reply(found.headers, self.rest_of(found), None)
            except Broken as broken:
                self.failed(broken, patience)

    def open(
        self,
        request: Request,
        body: Body = NOTHING,
        besides: Mapping[str, str] = {},
        expected: Container[str] = (),
        patience: Optional[Patience] = None,
    ) -> Union[Incoming, Refusal]:
        """As `ask`, but the body is the caller's to read, who then gives it to `done`."""
        patience = patience or self.patience()
        renewed = False
        while True:
            try:
                answer = self._send(request, body, besides)
                self._answered = True
                if 200 <= answer.status < 300:
                    return answer
                refused = refusal(answer)
                self.done(answer)
            except Broken as broken:
                self.failed(broken, patience)
                continue
            if refused.code in expected:
                return refused
            if refused.passing:
                patience.failed(self.place.endpoint, f"it answered {refused}")
            elif refused.outdated and not renewed:
                renewed = True
            else:
                raise refused.error(self.place, f"{request.method} of `{request.key or 'the bucket'}`")

    def rest_of(self, answer: Incoming) -> bytes:
        """Raises Broken."""
        body = answer.read(LONGEST)
        self.done(answer)
        return body

    def done(self, answer: Incoming) -> None:
        """The connection is free for another request, unless something of the answer is still on it."""
        with suppress(Broken):
            if answer.has_ended() and not answer.is_last:
                self.connections.give_back(answer.connection)
                return
        answer.close()

    def failed(self, broken: Broken, patience: Patience) -> None:
        """Wait for the next try. Raises Unreachable."""
        if broken.stale:
            patience.at_once()
            return
        if patience.suspicion is not None:
            raise patience.suspicion
        if self._others is not None and not self._answered and patience.waited >= DOUBT:
            patience.suspicion = self._others(str(broken))
        patience.failed(self.place.endpoint, str(broken))

    def _send(self, request: Request, body: Body, besides: Mapping[str, str]) -> Incoming:
        signed = self._signer(request)
        scheme, _, rest = signed.url.partition("://")
        netloc, _, target = rest.partition("/")
        try:
            connection = self.connections.take(origin_of(f"{scheme}://{netloc}"))
        except Untrusted as error:
            raise self._insecure(str(error)) from error
        return connection.ask(request.method, f"/{target}", {"host": netloc, **besides, **signed.headers}, body)

    def _insecure(self, said: str) -> StoreError:
        endpoint = self.place.endpoint
        if "WRONG_VERSION_NUMBER" in said or "RECORD_LAYER" in said or "HTTP_REQUEST" in said:
            hint = f"write `http://` in the setting `s3_endpoint`: {endpoint.replace('https://', 'http://')}"
            return StoreError(f"the S3 server `{endpoint}` does not speak TLS: {said}", hint)
        hint = "name the file of the authority that signed it, in PEM, with the setting `s3_ca`"
        return StoreError(f"the certificate of the S3 server `{endpoint}` is not trusted: {said}", hint)
