"""What an engine tells of its networks."""

from __future__ import annotations

from typing import Any

import pytest

from dockerflow.engines.networks import gateway_of

SAID = {"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.254"}
# As Docker 20.10 tells of its own bridge before it was started for the second time.
UNSAID = {"Subnet": "172.17.0.0/16"}
IPV6 = {"Subnet": "fd00::/64", "Gateway": "fd00::1"}


@pytest.mark.parametrize(
    ("configs", "gateway"),
    [([SAID], "172.18.0.254"), ([UNSAID], "172.17.0.1"), ([IPV6, SAID], "172.18.0.254"), ([IPV6], None), (None, None)],
)
def test_the_gateway_is_the_one_that_is_said_or_the_first_address_of_the_subnet(configs: Any, gateway: str) -> None:
    assert gateway_of({"IPAM": {"Config": configs}}) == gateway
