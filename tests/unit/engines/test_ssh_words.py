"""What ssh says, as errors: each with what to do. The words are those of OpenSSH 9.2; `integration` has it say them."""

from __future__ import annotations

import pytest

from dockerflow.engines.address import SshPlace
from dockerflow.engines.ssh_words import not_reached, why_closed

PLACE = SshPlace("gpu-box", "ann", 2222)

# By what ssh says: words of the message, and of the hint.
SAID = {
    "Host key verification failed.": ("its SSH key is not known here", "`ssh -p 2222 ann@gpu-box`"),
    "Host key for [gpu-box]:2222 has changed and you have requested strict checking.\nHost key verification failed.": (
        "its SSH key is not the one that is known",
        "`ssh-keygen -R '[gpu-box]:2222'`",
    ),
    "ann@gpu-box: Permission denied (publickey,password).": ("was not let in", "`ssh-add`"),
    "Received disconnect from 10.0.0.7 port 22:2: Too many authentication failures": ("was not let in", "`ssh-add`"),
    "ssh: Could not resolve hostname gpu-box: Name or service not known": ("nobody knows its name", "`~/.ssh/config`"),
    "ssh: connect to host gpu-box port 2222: Connection refused": ("nothing listens for ssh there", "start sshd"),
    "ssh: connect to host gpu-box port 2222: Connection timed out": ("it does not answer", "hosts check far"),
    "Connection timed out during banner exchange\nConnection to 10.0.0.7 port 22 timed out": (
        "it does not answer (Connection to 10.0.0.7 port 22 timed out)",
        "hosts check far",
    ),
    "Timeout, server gpu-box not responding.": ("it does not answer", "hosts check far"),
    "ssh: connect to host gpu-box port 22: No route to host": ("it does not answer", "hosts check far"),
    "something new": ("cannot be reached: something new", "hosts check far"),
    "": ("ssh ended and said nothing", "hosts check far"),
}


@pytest.mark.parametrize("said", SAID)
def test_what_ssh_says_is_explained(said: str) -> None:
    error = not_reached("far", PLACE, said.splitlines())
    words, hint = SAID[said]
    assert error.message.startswith("host `far` cannot be reached: ")
    assert words in error.message
    assert hint in (error.hint or "")


# By what a shell there sees.
SEEN = {
    "missing": ("there is no socket `/var/run/docker.sock` there", "start Docker there"),
    "other": ("`/var/run/docker.sock` is no socket there", "start Docker there"),
    "denied": ("ssh's user may not use the socket", "`sudo usermod -aG docker ann`"),
    "deaf": ("no engine listens at the socket", "start Docker there"),
    "listening": ("its sshd does not forward connections", "`AllowStreamLocalForwarding yes`"),
    "": ("its sshd cannot connect to the socket", "`AllowStreamLocalForwarding no`"),
}


@pytest.mark.parametrize("seen", SEEN)
def test_why_a_socket_cannot_be_opened_is_explained(seen: str) -> None:
    error = why_closed("far", PLACE, seen.split())
    words, hint = SEEN[seen]
    assert words in error.message
    assert hint in (error.hint or "")


def test_another_engine_that_is_there_is_named_by_the_url_to_use() -> None:
    error = why_closed("far", PLACE, ["missing", "/run/user/1000/docker.sock", "/run/podman/podman.sock"])
    assert "`ssh://ann@gpu-box:2222/run/user/1000/docker.sock`" in (error.hint or "")
