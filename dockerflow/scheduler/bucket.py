"""What the workers of a run need of a store in a bucket, see `engines.worker.BucketForWorkers`.

Imported only where the store is a bucket.
"""

from __future__ import annotations

import socket

from dockerflow.buckets.grants import Grants, Ours
from dockerflow.buckets.places import for_containers, for_host
from dockerflow.buckets.sdk import SdkObjects
from dockerflow.config import Config
from dockerflow.engines.worker import BucketForWorkers, Host
from dockerflow.runtime.messages import Inline
from dockerflow.store import runs
from dockerflow.store.base import Store
from dockerflow.store.errors import StoreError
from dockerflow.store.records import RunStarted
from dockerflow.store.s3.place import Place, origin_of
from dockerflow.store.s3_store import S3Store

# Seconds for this machine to answer itself.
_CONNECTING = 5.0


def place_for_steps(store: Store, config: Config, host: Host) -> Place:
    """The bucket as steps on this host see it. Raises StoreError where they could not reach it."""
    objects = _objects(store)
    if host.is_remote:
        return for_host(objects.place, config, host.settings)
    gateway = host.gateway(config.network)
    found = objects.place if host.name == "process" else for_containers(objects.place, config, gateway)
    if found.endpoint != objects.place.endpoint and config.s3_containers_endpoint is None:
        _require_listener(objects.place, found)
    return found


def bucket_for_workers(store: Store, config: Config, host: Host, started: RunStarted) -> BucketForWorkers:
    """For the workers on one host. Raises StoreError."""
    objects = _objects(store)
    of_steps = place_for_steps(store, config, host)
    ours = Ours(objects.place, objects.identity, of_steps, config.store_patience)
    grants = Grants(ours, started.flow, started.run_id)
    outbox = runs.outbox_key(started.flow, started.run_id)
    found = BucketForWorkers(store.name, bytes(store.blobs.get(started.code)), grants.answer, outbox=outbox)
    found.known.add(Inline.of(started.parameters, bytes(store.blobs.get(started.parameters))))
    return found


def _objects(store: Store) -> SdkObjects:
    if isinstance(store, S3Store) and isinstance(store.objects, SdkObjects):
        return store.objects
    raise StoreError(f"steps cannot use the store `{store.name}`")


def _require_listener(ours: Place, theirs: Place) -> None:
    """A server on the loopback may listen there alone. The address that containers know is this machine's as well."""
    origin = origin_of(theirs.endpoint)
    try:
        socket.create_connection((origin.host, origin.port), _CONNECTING).close()
    except OSError as error:
        raise StoreError(
            f"step containers cannot reach the server `{ours.endpoint}`: for them it is `{theirs.endpoint}`, where "
            f"nothing listens ({error.strerror or error})",
            "let the server listen on all addresses, or name it as containers see it with the setting "
            "`s3_containers_endpoint`",
        ) from None
