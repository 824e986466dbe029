"""What lets a user in, made anew for the tests: SSH keys of users and servers, certificates for both ends of TLS."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

# Without an agent and without the settings of whoever runs the tests.
_CONFIG = """
Include {folder}/hosts/*
Host *
  IdentityFile {folder}/key
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {folder}/known_hosts
  GlobalKnownHostsFile /dev/null
"""

_OPENSSL = """
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = IP:{address}
authorityKeyIdentifier = keyid
[client]
basicConstraints = CA:FALSE
extendedKeyUsage = clientAuth
authorityKeyIdentifier = keyid
"""


@dataclass(frozen=True)
class UsersKeys:
    """A user's SSH key, the hosts that the user knows, and an `ssh` that looks nowhere else.

    It is in `programs`, to be put first in PATH: OpenSSH asks neither HOME nor another variable where its files are.
    """

    folder: Path

    @property
    def public_key(self) -> str:
        return (self.folder / "key.pub").read_text()

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def programs(self) -> Path:
        return self.folder / "bin"

    def know(self, name: str, address: str, public_key: str) -> None:
        """The server at an address has this key; `ssh name` goes to it."""
        (self.folder / "hosts" / name).write_text(f"Host {name}\n  HostName {address}\n  User root\n")
        with self.known_hosts.open("a") as file:
            file.write(f"{address} {public_key}\n")


def users_keys(folder: Path, ssh: str) -> UsersKeys:
    """Made in an empty folder; `ssh` is the program."""
    keys = UsersKeys(folder)
    (folder / "hosts").mkdir()
    keys.programs.mkdir()
    ssh_key(folder / "key")
    keys.known_hosts.touch()
    (folder / "config").write_text(_CONFIG.format(folder=folder))
    wrapper = keys.programs / "ssh"
    wrapper.write_text(f'#!/bin/sh\nexec {ssh} -F {folder}/config "$@"\n')
    wrapper.chmod(0o755)
    return keys


def ssh_key(path: Path) -> str:
    """Make a key without a passphrase, and give its public part."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "tests", "-f", path], check=True)
    return path.with_name(f"{path.name}.pub").read_text().strip()


def tls_keys(folder: Path, address: str) -> None:
    """An authority `ca`, and certificates for a `server` at an address and its `client`: `*.pem` and `*-key.pem`."""
    (folder / "openssl.conf").write_text(_OPENSSL.format(address=address))
    _certificate(folder, "ca", [])
    for end in ("server", "client"):
        _certificate(folder, end, ["-CA", "ca.pem", "-CAkey", "ca-key.pem"])


def _certificate(folder: Path, name: str, signed: list[str]) -> None:
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-keyout", f"{name}-key.pem"]
    words = ["-x509", "-days", "2", "-config", "openssl.conf", "-extensions", name, "-subj", f"/CN=tests-{name}"]
    command = ["openssl", "req", *words, *kind, *signed, "-out", f"{name}.pem"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
