"""The base image for engines of a test's own, and remote hosts."""

from tests.engines.fixtures import base_archive
from tests.hosts.fixtures import hosts_config, lasting_remote_host, remote_host, users_ssh

__all__ = ["base_archive", "hosts_config", "lasting_remote_host", "remote_host", "users_ssh"]
