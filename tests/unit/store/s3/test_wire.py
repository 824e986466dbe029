"""HTTP as servers and what stands before them speak it, and as they should not."""

from __future__ import annotations

import gc
import socket
import subprocess
import sys

import pytest

from dockerflow.store.errors import AccessDenied, StoreError, Unreachable
from dockerflow.store.s3.client import SmallObjects
from dockerflow.store.s3.place import Place, origin_of
from dockerflow.store.s3.signing import Credentials, WithCredentials
from dockerflow.store.s3.wire import ASKED_FIRST, Connection
from tests.unit.store.s3.scripted import client_of, head_of, ok, says

LARGE = b"x" * (ASKED_FIRST + 1)
DENIED = b"<Error><Code>AccessDenied</Code><Message>No.</Message></Error>"


def denied(connection: str = "close") -> bytes:
    head = f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(DENIED)}\r\nConnection: {connection}\r\n\r\n"
    return head.encode() + DENIED


def test_a_connection_is_used_again() -> None:
    with client_of(says(ok(b"one"), ok(b"two"))) as client:
        assert [client.get("k"), client.get("k")] == [b"one", b"two"]


def test_a_connection_that_the_server_has_closed_in_between_costs_no_try() -> None:
    with client_of(says(ok(b"one")), says(ok(b"two")), patience=0.0) as client:
        assert [client.get("k"), client.get("k")] == [b"one", b"two"]


def test_a_server_that_closes_after_each_answer_is_asked_on_another_connection() -> None:
    last = ok(b"one", "Connection: close\r\n")
    with client_of(says(last), says(last), patience=0.0) as client:
        assert [client.get("k"), client.get("k")] == [b"one", b"one"]


def test_a_body_in_chunks_is_put_together() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Range: bytes 0-10/11\r\n\r\n"
    chunks = b"5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: x\r\n\r\n"
    with client_of(says(chunked + chunks, ok(b"next"))) as client:
        assert [client.get("k"), client.get("k")] == [b"hello world", b"next"]


def test_a_body_of_unknown_length_ends_with_its_connection() -> None:
    with client_of(says(b"HTTP/1.0 200 OK\r\n\r\nhello")) as client:
        assert client.get_range("k", 0, 10) == b"hello"


def test_a_body_that_is_cut_off_is_asked_for_again() -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"
    with client_of(says(cut), says(ok(b"hello"))) as client:
        assert client.get_range("k", 0, 10) == b"hello"


def test_a_server_that_names_no_versions_is_read_on_from_where_it_was_cut_off() -> None:
    cut = b"HTTP/1.1 206 OK\r\nContent-Length: 5\r\nContent-Range: bytes 0-4/5\r\n\r\nhe"
    rest = b"HTTP/1.1 206 OK\r\nContent-Length: 3\r\nContent-Range: bytes 2-4/5\r\n\r\nllo"
    with client_of(says(cut), says(rest)) as client:
        assert client.get("k") == b"hello"


def test_headers_that_are_cut_off_are_asked_for_again() -> None:
    """Wherever: a size would lose its last digits, an object its date."""
    lines = ["HTTP/1.1 200 OK", "Content-Length: 12345", "Last-Modified: Mon, 23 Nov 2026 11:52:16 GMT", "", ""]
    whole = "\r\n".join(lines).encode()
    line_end = whole.index(b"12345") + len("12345")
    cuts = [1, 12, 17, *range(line_end - 5, line_end + 4), len(whole) - 20, len(whole) - 4, len(whole) - 1]
    with client_of(*[says(each) for cut in cuts for each in (whole[:cut], whole)]) as client:
        found = [client.head("k") for _ in cuts]
    assert {(info.size, info.modified) for info in found if info} == {(12345, 1795434736.0)}


def test_headers_without_an_end_are_no_answer() -> None:
    endless = b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: y\r\n" % number for number in range(1000))
    with client_of(says(endless), patience=0.0) as client, pytest.raises(Unreachable, match="more than 200 headers"):
        client.head("k")


def test_connections_that_are_open_when_an_interpreter_ends_are_closed_without_a_word() -> None:
    """Also those that go last, when modules have lost their names."""
    script = """
import socket, sys
from dockerflow.store.s3 import wire
from dockerflow.store.s3.connections import Connections
from dockerflow.store.s3.place import origin_of
listening = socket.create_server(("127.0.0.1", 0))
pool = Connections(None, 5.0)
taken = [pool.take(origin_of("http://127.0.0.1:%d" % listening.getsockname()[1])) for _ in range(2)]
pool.give_back(taken[0])
sys.taken = taken, pool, wire
listening.close()
"""
    ended = subprocess.run([sys.executable, "-X", "dev", "-c", script], capture_output=True, text=True, check=True)
    assert ended.stderr == ""


def test_words_in_between_are_no_answer() -> None:
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    with client_of(says(early + ok(b"it"))) as client:
        assert client.get("k") == b"it"


def test_a_large_body_is_sent_when_the_server_wants_it() -> None:
    def script(connection: socket.socket) -> None:
        assert b"expect: 100-continue" in head_of(connection)
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        left = len(LARGE)
        while left:
            left -= len(connection.recv(left))
        connection.sendall(ok(b""))

    with client_of(script) as client:
        assert client.put("k", LARGE)


def test_a_server_that_says_nothing_to_a_large_body_gets_it() -> None:
    def script(connection: socket.socket) -> None:
        left = len(LARGE)
        head_of(connection)
        while left:
            left -= len(connection.recv(left))
        connection.sendall(ok(b""))

    with client_of(script) as client:
        assert client.put("k", LARGE)


def test_a_large_body_is_not_sent_when_the_answer_is_there_before_it() -> None:
    with client_of(says(denied())) as client, pytest.raises(AccessDenied, match=r"`AccessDenied`: No\."):
        client.put("k", LARGE)


def test_a_server_that_answers_in_the_middle_of_a_body_and_closes_is_heard() -> None:
    def script(connection: socket.socket) -> None:
        head_of(connection)
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.recv(10)
        connection.sendall(denied())
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1 << 16):
            pass

    with client_of(script) as client, pytest.raises(AccessDenied, match=r"`AccessDenied`: No\."):
        client.put_large("k", [LARGE] * 8, len(LARGE) * 8, "00" * 32)


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH\r\n", b"", b"HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab"]
)
def test_what_is_no_answer_is_said_when_patience_is_at_its_end(answer: bytes) -> None:
    with client_of(says(answer), patience=0.0) as client, pytest.raises(Unreachable, match="no answer from the S3"):
        client.get_range("k", 0, 3)


def test_an_endpoint_where_nothing_listens_is_named_with_what_was_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        endpoint = f"http://127.0.0.1:{found.getsockname()[1]}"
    place = Place(endpoint, "bucket")
    client = SmallObjects(place, WithCredentials(place, lambda: Credentials("a", "b")), 0.0)
    with pytest.raises(Unreachable, match=f"`{endpoint}` in 0 s: connecting to `127.0.0.1`: Connection refused"):
        client.get("k")


def test_an_answer_that_does_not_say_how_large_it_is_is_refused() -> None:
    with client_of(says(b"HTTP/1.0 200 OK\r\n\r\nhello")) as client, pytest.raises(StoreError, match="how large"):
        client.get("k")


def test_a_body_of_another_size_than_announced_is_a_mistake_of_the_caller() -> None:
    with client_of(says(ok(b""))) as client, pytest.raises(ValueError, match="announced with 3 bytes"):
        client.put_large("k", [b"x" * (1 << 17)], 3, "00" * 32)


def test_a_connection_that_the_garbage_collector_finds_is_closed_before_it_looks_at_its_socket() -> None:
    """What refers to it may be an error, whose traceback leads back to it. A socket that goes first complains."""
    gc.collect()  # what other tests have left
    with socket.create_server(("127.0.0.1", 0)) as server:
        ring: list[object] = [Connection(origin_of(f"http://127.0.0.1:{server.getsockname()[1]}"), None, 5.0)]
        accepted, _ = server.accept()
        ring.append(ring)
        del ring
        found = garbage()
        with accepted:
            assert accepted.recv(1) == b""
    assert Connection in found
    assert socket.socket not in found


def garbage() -> set[type]:
    """Collect it, and tell of what types it was."""
    before = gc.get_debug()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        return {type(each) for each in gc.garbage}
    finally:
        gc.set_debug(before)
        gc.garbage.clear()
