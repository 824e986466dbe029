"""How long things wait at remote hosts, as the document says it."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from dockerflow.config import Config
from dockerflow.engines import connection, sockets, ssh_client, tunnel, watch
from dockerflow.runtime import spill
from dockerflow.runtime.session import DEFAULT
from dockerflow.scheduler import stop_requests
from dockerflow.store import beating

PAGE = (Path(__file__).parents[3] / "docs" / "hosts.md").read_text()
TABLE = dict(re.findall(r"^\| ([^|]+) \| ([\d., ]+) \|$", PAGE, re.MULTILINE))

# Of ssh, and of TCP: in milliseconds, as the system takes it.
BY_SSH = ssh_client.ALIVE_EVERY * (1 + ssh_client.ALIVE_OWED)
[BY_TCP] = [value / 1000 for _, option, value in sockets.socket_options() if option == socket.TCP_USER_TIMEOUT]


@pytest.mark.parametrize(
    ("what", "seconds"),
    [
        ("a connection that is being made", {ssh_client.CONNECT, sockets.CONNECT}),
        ("until ssh has the engine's socket", {tunnel.OPEN}),
        ("between two looks at a host that answers", {watch.EVERY}),
        ("until a silent connection counts as broken", {BY_SSH, BY_TCP}),
        ("until a host that does not answer is given up", {connection.PATIENCE, Config().host_patience}),
        ("until a worker that hears nothing", {DEFAULT.gone}),
        ("that a worker which is alone", {DEFAULT.idle}),
        ("that the result of a task is kept", {DEFAULT.kept}),
        ("between two signs of life", {beating.BEAT}),
        ("without one, until", {beating.LIFE}),
        ("between two looks of a scheduler", {stop_requests.EVERY}),
    ],
)
def test_what_the_document_says_is_how_long_it_waits(what: str, seconds: set[float]) -> None:
    assert {float(written(what))} == seconds


def test_looks_at_a_host_that_is_away_become_rarer_as_the_document_says() -> None:
    assert written("between two looks at a host that does not answer") == f"{watch.SOONEST:g}, {watch.LATEST:g}"


def test_each_wait_of_the_document_is_held() -> None:
    assert len(TABLE) == 12


def written(what: str) -> str:
    [found] = [seconds for words, seconds in TABLE.items() if words.startswith(what)]
    return found


def test_what_is_kept_for_nobody_has_the_limits_of_the_document() -> None:
    flat = " ".join(PAGE.split())
    assert f"{spill.MEMORY >> 20} MiB in memory, then up to {spill.DISK >> 30} GiB in a file" in flat
