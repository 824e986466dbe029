"""Open a store by its name, and say at once what is wrong with it: not in the middle of a run."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from minio.error import S3Error

from dockerflow.buckets.credentials import identity
from dockerflow.buckets.errors import NoBucket, WrongRegion
from dockerflow.buckets.link import Link
from dockerflow.buckets.places import is_aws, place_of, scratch_of
from dockerflow.buckets.sdk import SdkObjects
from dockerflow.buckets.spool import waiting
from dockerflow.config import Config, load_config
from dockerflow.store.base import Store
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.errors import Unreachable
from dockerflow.store.names import is_in_bucket
from dockerflow.store.s3.place import Place
from dockerflow.store.s3_store import S3Store

# A server that does not answer when a command begins is asked again for so many seconds at most.
OPENING = 5.0

_NOT_THERE = (
    "see whether the server runs (`dockerflow up` starts the one that it made) and can be reached from here; the "
    "setting `s3_endpoint` names it"
)

Tell = Callable[[str], None]


def open_store(name: str, config: Config, make_bucket: Tell | None = None) -> Store:
    """The store in a folder, which need not be there, or in a bucket, which is looked at.

    A bucket that is not there is made where `make_bucket` is given, which is then told so; not on AWS, where buckets
    are of the whole world. Raises StoreError, AccessDenied and Unreachable among them.
    """
    return open_bucket(name, config, make_bucket) if is_in_bucket(name) else DirectoryStore(Path(name))


def open_bucket(name: str, config: Config, make_bucket: Tell | None = None) -> S3Store:
    """As `open_store`. The store's `objects` are `SdkObjects`: they know the place and who we are."""
    who = identity(config)
    place = place_of(name, config)
    patience = min(OPENING, config.store_patience)
    try:
        found = _looked_at(Link(place, who, patience), config.s3_region is None, make_bucket)
    except Unreachable as away:
        raise Unreachable(away.message, _NOT_THERE) from None  # however long a store is waited for otherwise
    return S3Store(SdkObjects(found, who, config.store_patience), scratch_of(found))


def tell_of_waiting(store: Store, seconds: float, tell: Tell) -> None:
    """From now on `tell` is told when the store's server is waited for, and when it answers again."""

    def told(why: str | None) -> None:
        away = f"the store `{store.name}` does not answer, it is asked again for {seconds:g} s: {why}"
        tell(away if why else f"the store `{store.name}` answers again")

    store.when_waiting(told)


def store_named(name: str) -> S3Store:
    """For the client: by the configuration as it holds here; asked for again, the same one without another look. Says
    once if something waits on this machine to be brought there: a run that ended without its server seems to go on."""
    config = load_config()
    who = identity(config)
    key = (place_of(name, config), who(), config.store_patience)
    with _opening:
        if key not in _opened:
            _opened[key] = open_bucket(name, config)
            tell_of_waiting(_opened[key], config.store_patience, _tell)
            note = waiting(_opened[key])
            if note:
                _tell(note)
        return _opened[key]


def _tell(note: str) -> None:
    print(f"dockerflow: {note}", file=sys.stderr)


_opened: dict[object, S3Store] = {}
_opening = threading.Lock()


def _looked_at(link: Link, may_move: bool, make_bucket: Tell | None) -> Place:
    """The place, in the region that the server says where the settings do not."""
    try:
        link.asked(lambda: _list(link))
    except NoBucket:
        if make_bucket is None or is_aws(link.place.endpoint):
            raise
        link.asked(lambda: _make(link))
        make_bucket(f"made the bucket `{link.place.bucket}` on the S3 server `{link.place.endpoint}`")
    except WrongRegion as elsewhere:
        if not may_move or elsewhere.region in (None, link.place.region):
            raise
        return _looked_at(link.in_region(str(elsewhere.region)), False, make_bucket)
    return link.place


def _list(link: Link) -> None:
    """The smallest request that needs what every command needs: name, key, secret, clock, region, and a right."""
    query = {"list-type": "2", "max-keys": "1", "prefix": link.place.in_bucket("")}
    answer = link.send("GET", link.place.url(None, query), {}).data
    if not ElementTree.fromstring(answer.decode()).tag.endswith("ListBucketResult"):
        raise ValueError("a list of objects was asked for")


def _make(link: Link) -> None:
    try:
        link.client.make_bucket(link.place.bucket, link.place.region)
    except S3Error as error:
        if error.code != "BucketAlreadyOwnedByYou":  # another command was faster
            raise
