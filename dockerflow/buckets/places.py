"""Which server, bucket and region a store's name and the settings mean, for this machine and for step containers."""

from __future__ import annotations

import hashlib
import ipaddress
import os
from dataclasses import replace
from pathlib import Path

from dockerflow.buckets.trust import trusted_here
from dockerflow.config import Config, state_dir
from dockerflow.host_settings import HostSettings
from dockerflow.store.errors import StoreError
from dockerflow.store.names import in_bucket
from dockerflow.store.s3.place import Place, origin_of

_AWS = "amazonaws.com"
FIRST_REGION = "us-east-1"


def place_of(name: str, config: Config) -> Place:
    """Where the store `s3://bucket/prefix` is. Raises StoreError for a name or a file that cannot be used.

    Without a setting the region is AWS's own variable, else a guess that the server corrects.
    """
    bucket, prefix = in_bucket(name)
    region = config.s3_region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or FIRST_REGION
    endpoint = config.s3_endpoint or _of_aws(region)
    virtual = config.s3_addressing == "virtual" or (config.s3_addressing == "auto" and is_aws(endpoint))
    if virtual and config.s3_addressing == "auto" and "." in bucket:
        virtual = False  # no certificate is for a name with more dots
    return Place(endpoint, bucket, prefix, region, virtual, _ca(config))


def in_region(place: Place, region: str) -> Place:
    endpoint = _of_aws(region) if place.endpoint == _of_aws(place.region) else place.endpoint
    return replace(place, region=region, endpoint=endpoint)


def is_aws(endpoint: str) -> bool:
    host = origin_of(endpoint).host
    return host.endswith((f".{_AWS}", f".{_AWS}.cn"))


def for_containers(place: Place, config: Config, gateway: str | None) -> Place:
    """The same bucket as step containers see it: by the setting `s3_containers_endpoint`; without it, where the server
    is on this machine's own loopback, by `gateway`, the address of this machine on the containers' network. They trust
    whom this machine trusts.

    Raises StoreError where containers have no network, or cannot get to this machine.
    """
    return _trusting(_reached(place, config, gateway))


def for_host(place: Place, config: Config, host: HostSettings) -> Place:
    """The same bucket as step containers on a remote host see it: by the host's own `s3_endpoint`; without it, by the
    address of this machine's settings, which another machine can only use if it is not the loopback.

    Raises StoreError where containers there have no network, or no address is known.
    """
    _require_network(place, host.network or config.network, host.source if host.network else config.source("network"))
    if host.s3_endpoint is not None:
        return _trusting(replace(place, endpoint=host.s3_endpoint))
    known = (endpoint for endpoint in (place.endpoint, config.s3_containers_endpoint) if endpoint is not None)
    found = next((endpoint for endpoint in known if not _is_loopback(origin_of(endpoint).host)), None)
    if found is None:
        raise StoreError(
            f"steps on the host `{host.name}` cannot reach the server `{place.endpoint}`: that is this machine alone",
            f"let the server listen on an address that `{host.name}` reaches, and name it in the host's settings "
            f"({host.source or 'hosts:'}): `s3_endpoint: http://ADDRESS:PORT`",
        )
    return _trusting(replace(place, endpoint=found))


def _trusting(place: Place) -> Place:
    """Containers trust whom this machine trusts."""
    return replace(place, ca=trusted_here()) if place.ca is None and origin_of(place.endpoint).tls else place


def _require_network(place: Place, network: str, source: str) -> None:
    if network == "none":
        raise StoreError(
            f"step containers have no network, and the store `{place.name}` is on the server `{place.endpoint}`",
            f"choose another network than `none` ({source}), or a store in a folder",
        )


def _reached(place: Place, config: Config, gateway: str | None) -> Place:
    _require_network(place, config.network, config.source("network"))
    if config.s3_containers_endpoint is not None:
        return replace(place, endpoint=config.s3_containers_endpoint)
    origin = origin_of(place.endpoint)
    if config.network == "host" or not _is_loopback(origin.host):
        return place
    if gateway is None:
        raise StoreError(
            f"step containers cannot reach `{place.endpoint}`: that is the machine that they are on, but not for them",
            "name the server as containers see it with the setting `s3_containers_endpoint`",
        )
    # An address has no names below it.
    return replace(place, endpoint=str(origin._replace(host=gateway)), virtual_host=False)


def scratch_of(place: Place) -> Path:
    """The folder of this machine for what belongs to this store: one for each bucket and prefix of each server."""
    named = hashlib.sha256(f"{place.endpoint} {place.name}".encode()).hexdigest()[:16]
    return state_dir() / "stores" / named


def _of_aws(region: str) -> str:
    return f"https://s3.{region}.{_AWS}{'.cn' if region.startswith('cn-') else ''}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _ca(config: Config) -> str | None:
    if config.s3_ca is None:
        return None
    try:
        text = config.s3_ca.read_text(encoding="ascii")
    except OSError as error:
        raise StoreError(
            f"the certificates in `{config.s3_ca}` cannot be read: {error.strerror}",
            f"the file is named by {config.source('s3_ca')}",
        ) from None
    except UnicodeDecodeError:
        text = ""
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise StoreError(f"`{config.s3_ca}` has no certificate in PEM", f"named by {config.source('s3_ca')}")
    return text
