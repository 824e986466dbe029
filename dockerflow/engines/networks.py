"""What an engine tells of its networks."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any


def gateway_of(network: Mapping[str, Any]) -> str | None:
    """The IPv4 address of the engine's machine in a network with a bridge, by what the engine says of that; None where
    it has none.

    Until it is started for the second time, Docker 20.10 does not say it of its own bridge: it is the subnet's first.
    """
    for each in network.get("IPAM", {}).get("Config") or ():
        subnet = ipaddress.ip_network(each["Subnet"], strict=False)
        if subnet.version == 4:
            return str(each.get("Gateway") or next(subnet.hosts()))
    return None
