"""Credentials for a while and for less than one's own: what a server's STS gives for a policy.

MinIO has it at the endpoint of its buckets; a server that has not, or not for these credentials, says no once, and then
every request of a step is signed by the scheduler. A server that gives credentials and then passes over their policy
would give a step everything: so one look at what they must not see comes first.
"""

from __future__ import annotations

import ssl
import threading
import time
from calendar import timegm
from collections.abc import Callable
from xml.etree.ElementTree import ParseError

import urllib3
from minio.credentials.providers import AssumeRoleProvider

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.errors import Unreachable
from dockerflow.store.s3.access import Lease
from dockerflow.store.s3.place import Place
from dockerflow.store.s3.signing import Credentials

# How long credentials are asked for, in seconds. The SDK asks for no less than an hour.
LIFE = 3600

# Renewed when they have less than this part of their life left: a step may go on with them that long.
RENEWED_AT = 0.5

# How long the server may take to answer, in seconds: a worker's messages wait meanwhile.
ANSWERING = 10.0

# How long after a server did not answer it is not asked again, in seconds.
PAUSE = 2.0


@dataclass(frozen=True)
class Bank:
    """Where credentials come from: the server's endpoint as this machine sees it, and one's own."""

    place: Place
    credentials: Callable[[], Credentials]

    def lend(self, policy: str | None) -> Lease | None:
        """None where there are none to be had. Raises Unreachable."""
        own = self.credentials()
        if policy is None or own.session_token is not None:  # which are lent themselves
            return None
        provider = AssumeRoleProvider(
            sts_endpoint=self.place.endpoint,
            access_key=own.access_key,
            secret_key=own.secret_key,
            duration_seconds=LIFE,
            policy=policy,
            region=self.place.region,
            http_client=_http(self.place.ca),
        )
        try:
            given = provider.retrieve()
        except urllib3.exceptions.HTTPError as error:
            where = self.place.endpoint
            raise Unreachable(f"the server at `{where}` lends no credentials for steps: no answer ({error})") from error
        except (ValueError, TypeError, AttributeError, ParseError):  # a refusal, or a page that means something else
            return None
        expires = time.time() + LIFE if given.expiration is None else float(timegm(given.expiration.timetuple()))
        return Lease(given.access_key, given.secret_key, given.session_token or "", expires)


def _http(ca: str | None) -> urllib3.PoolManager:
    context = ssl.create_default_context(cadata=ca) if ca else None
    return urllib3.PoolManager(ssl_context=context, retries=False, timeout=urllib3.Timeout(ANSWERING))


class Leases:
    """One lease at a time, renewed before it runs out. Threads share it."""

    def __init__(self, bank: Bank, policy: str | None, clock: Callable[[], float] = time.time) -> None:
        """Asks for the first one. Raises Unreachable."""
        self._bank, self._policy, self._clock = bank, policy, clock
        self._lock = threading.Lock()
        self._failed = -PAUSE
        self._lease = bank.lend(policy)
        self._since = clock()

    def current(self) -> Lease | None:
        """None where there are none to be had. Raises Unreachable when the last has run out and no other can be had."""
        with self._lock:
            lease = self._lease
            if lease is None or self._is_fresh(lease):
                return lease
            try:
                self._lease, self._since = self._renewed() or lease, self._clock()
            except Unreachable:
                self._failed = time.monotonic()
                if lease.expires <= self._clock():
                    raise
            return self._lease

    def _is_fresh(self, lease: Lease) -> bool:
        left = lease.expires - self._clock()
        return left > RENEWED_AT * (lease.expires - self._since)

    def _renewed(self) -> Lease | None:
        if time.monotonic() - self._failed < PAUSE:
            raise Unreachable("the server has not answered a moment ago")
        return self._bank.lend(self._policy)
