"""Every engine and remote hosts, for the tests that hold what is true of all of them."""

from tests.engines.fixtures import base_archive, engine, engines
from tests.hosts.fixtures import hosts_config, lasting_remote_host, remote_host, users_ssh

__all__ = [
    "base_archive",
    "engine",
    "engines",
    "hosts_config",
    "lasting_remote_host",
    "remote_host",
    "users_ssh",
]
