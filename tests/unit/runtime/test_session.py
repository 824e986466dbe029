"""Whatever happens to a connection: every item arrives once, in order, and none is acknowledged that was not processed.

Two sides talk over pipes that are cut at any byte; bytes of an old connection come late, in the middle of those of the
new one; one client follows another. Nothing here waits: time passes by calls of `ping`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dockerflow.runtime.packets import PIECE, Packets, magic
from dockerflow.runtime.session import FRAME, ClientSide, Item, RelaySide, Waits

MAGIC = magic("dockerflow-1-train-0")
LONGEST = 10 * PIECE

# More rounds of pings and deliveries than any schedule needs until all has arrived.
ROUNDS = 50


@dataclass
class Connection:
    """Bytes on their way, in both directions; the relay reads those of all connections that were ever made."""

    client: Client
    to_relay: bytearray = field(default_factory=bytearray)
    to_client: bytearray = field(default_factory=bytearray)
    is_cut: bool = False


@dataclass(eq=False)
class Client:
    """One scheduler: `heard` is what it processed, `numbers` those of the items that it has not acknowledged yet."""

    side: ClientSide
    heard: list[bytes] = field(default_factory=list)
    waiting: deque[Item] = field(default_factory=deque)


class World:
    """A relay whose worker takes every item at once, and clients one after the other."""

    def __init__(self) -> None:
        self.relay = RelaySide(MAGIC, lambda: True)
        self.to_worker: list[bytes] = []
        self.sent_by_worker: list[bytes] = []
        self.connections: list[Connection] = []
        self.clients: list[Client] = []
        self.join(False)

    @property
    def client(self) -> Client:
        return self.clients[-1]

    @property
    def connection(self) -> Connection:
        return self.connections[-1]

    def join(self, adopts: bool = True) -> None:
        """Another process takes over."""
        self.clients.append(Client(ClientSide(MAGIC, LONGEST, adopts, draw=len(self.clients))))
        self.attach()

    def attach(self) -> None:
        self.connections.append(Connection(self.client))
        self.client.side.attach()

    def cut(self, keeps: int) -> None:
        """The client's end is gone. What it had sent may come to the relay later, up to so many bytes."""
        self.connection.is_cut = True
        self.connection.to_client.clear()
        del self.connection.to_relay[keeps:]

    def write_client(self, most: int) -> None:
        if not self.connection.is_cut:
            self.connection.to_relay += self.client.side.output(most)

    def write_relay(self, most: int) -> None:
        """To all who are attached; nobody else ever sees it."""
        content = self.relay.output(most)
        for each in self.connections:
            if not each.is_cut:
                each.to_client += content

    def read_relay(self, which: int, most: int) -> None:
        connection = self.connections[which % len(self.connections)]
        content, connection.to_relay[:most] = bytes(connection.to_relay[:most]), b""
        for item in self.relay.feed(content):
            self.to_worker.append(item.content)
            self.relay.processed(item.number)

    def read_client(self, most: int) -> None:
        connection = self.connection
        content, connection.to_client[:most] = bytes(connection.to_client[:most]), b""
        self.client.waiting += self.client.side.feed(content)

    def process(self) -> None:
        if self.client.waiting:
            item = self.client.waiting.popleft()
            self.client.heard.append(item.content)
            self.client.side.processed(item.number)

    def settle(self) -> None:
        """Let time pass on a connection that is not cut."""
        if self.connection.is_cut:
            self.attach()
        for _ in range(ROUNDS):
            self.client.side.ping()
            while self.client.side.has_output():
                self.write_client(PIECE)
            for which in range(len(self.connections)):
                self.read_relay(which, 1 << 30)
            while self.relay.has_output():
                self.write_relay(PIECE)
            self.read_client(1 << 30)
            while self.client.waiting:
                self.process()

    def acknowledged(self) -> int:
        """How many of the worker's items the relay keeps no more."""
        return len(self.sent_by_worker) - len(self.relay.outgoing._pieces)


sizes = st.integers(min_value=0, max_value=400)
contents = st.binary(max_size=60)
STEPS: dict[str, st.SearchStrategy[tuple[str, object]]] = {
    name: st.tuples(st.just(name), strategy)
    for name, strategy in {
        "worker says": contents,
        "client says": contents,
        "write client": sizes,
        "write relay": sizes,
        "read relay": st.tuples(st.integers(0, 3), sizes),
        "read client": sizes,
        "process": st.none(),
        "ping": st.none(),
        "cut": sizes,
    }.items()
}


class Story:
    def __init__(self) -> None:
        self.world = World()
        self.said: list[bytes] = []
        self.count = 0

    def numbered(self, content: object) -> bytes:
        assert isinstance(content, bytes)
        self.count += 1
        return self.count.to_bytes(4, "big") + content

    def do(self, what: str, value: object) -> None:
        world = self.world
        if what == "worker says":
            world.sent_by_worker.append(self.numbered(value))
            world.relay.send(FRAME, world.sent_by_worker[-1])
        elif what == "client says":
            self.said.append(self.numbered(value))
            world.client.side.send(FRAME, self.said[-1])
        elif what == "read relay":
            assert isinstance(value, tuple)
            world.read_relay(len(world.connections) - 1 - value[0], value[1])
        elif what == "cut":
            assert isinstance(value, int)
            world.cut(value)
            world.attach()
        else:
            act: dict[str, Callable[..., None]] = {
                "write client": world.write_client,
                "write relay": world.write_relay,
                "read client": world.read_client,
            }
            if what in act:
                act[what](value)
            else:
                world.process() if what == "process" else world.client.side.ping()


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(*STEPS.values()), max_size=80))
def test_every_item_arrives_once_and_in_order_whatever_is_cut(steps: list[tuple[str, object]]) -> None:
    story = Story()
    for step in steps:
        story.do(*step)
        assert story.world.client.heard == story.world.sent_by_worker[: len(story.world.client.heard)]
        assert story.world.to_worker == story.said[: len(story.world.to_worker)]
        assert story.world.acknowledged() <= len(story.world.client.heard)
    story.world.settle()
    assert story.world.client.heard == story.world.sent_by_worker
    assert story.world.to_worker == story.said
    assert not story.world.relay.outgoing._pieces
    assert not story.world.client.side.outgoing._pieces


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(st.one_of(*STEPS.values()), max_size=30), min_size=2, max_size=4))
def test_another_client_goes_on_at_the_first_item_that_was_not_acknowledged(
    chapters: list[list[tuple[str, object]]],
) -> None:
    """What one has processed and not acknowledged, the next processes again; what it has sent arrived, or did not."""
    story = Story()
    world = story.world
    acknowledged = 0
    for number, chapter in enumerate(chapters):
        if number:
            world.cut(40)
            acknowledged = world.acknowledged()
            world.join()
        for step in chapter:
            story.do(*step)
    world.settle()
    before = [set(client.heard) for client in world.clients[:-1]]
    heard = world.client.heard
    assert heard == world.sent_by_worker[len(world.sent_by_worker) - len(heard) :]
    assert len(heard) >= len(world.sent_by_worker) - world.acknowledged()
    assert set(world.sent_by_worker) == set(heard).union(*before)
    assert acknowledged <= len(set().union(*before))
    numbers = [int.from_bytes(content[:4], "big") for content in world.to_worker]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("length", [0, 1, PIECE - 1, PIECE, PIECE + 1, 5 * PIECE])
def test_an_item_of_any_length_arrives_whole(length: int) -> None:
    world = World()
    world.sent_by_worker.append(bytes(length))
    world.relay.send(FRAME, bytes(length))
    world.client.side.send(FRAME, bytes(length))
    world.settle()
    assert (world.client.heard, world.to_worker) == ([bytes(length)], [bytes(length)])


def test_an_item_that_is_too_long_is_an_error() -> None:
    world = World()
    world.relay.send(FRAME, bytes(LONGEST + 1))
    with pytest.raises(ValueError, match="more than"):
        world.settle()


def test_an_acknowledgement_counts_when_what_the_client_had_to_say_has_arrived() -> None:
    world = World()
    world.settle()
    world.sent_by_worker.append(b"question")
    world.relay.send(FRAME, b"question")
    world.write_relay(PIECE)
    world.read_client(PIECE)
    world.client.side.send(FRAME, b"answer")
    world.process()
    state, answer = world.client.side.output(1), world.client.side.output(1)
    assert world.relay.feed(state) == []
    assert world.acknowledged() == 0
    assert [item.content for item in world.relay.feed(answer)] == [b"answer"]
    assert world.acknowledged() == 1


def test_a_client_learns_that_another_has_come_after_it() -> None:
    world = World()
    world.settle()
    first = world.client
    world.join()
    world.settle()
    first.side.ping()
    world.relay.feed(first.side.output())
    first.side.feed(world.relay.output())
    assert first.side.is_superseded
    assert not world.client.side.is_superseded
    world.relay.send(FRAME, b"for the second")
    world.sent_by_worker.append(b"for the second")
    world.settle()
    assert world.client.heard == [b"for the second"]


def test_one_that_comes_back_does_not_take_the_session_from_who_came_after_it() -> None:
    world = World()
    world.settle()
    first = world.client
    world.join()
    world.settle()
    first.side.attach()
    world.relay.feed(first.side.output())
    first.side.feed(world.relay.output())
    assert first.side.is_superseded


def test_the_relay_hears_how_long_to_wait_and_that_the_worker_is_to_be_killed() -> None:
    relay = RelaySide(MAGIC, lambda: False)
    client = ClientSide(MAGIC, LONGEST, waits=Waits(1.0, 2.0, 3.0))
    client.attach()
    relay.feed(client.output())
    assert relay.waits == Waits(1.0, 2.0, 3.0)
    client.feed(relay.output())
    assert not client.is_busy
    client.kill()
    relay.feed(client.output())
    assert relay.killed


@given(st.lists(st.one_of(st.binary(max_size=50), st.just(MAGIC), st.just(MAGIC[:4])), max_size=8), st.integers(1, 50))
def test_packets_are_found_in_whatever_is_around_them(noise: list[bytes], step: int) -> None:
    client = ClientSide(MAGIC, LONGEST)
    client.attach()
    packet = client.output()
    stream = packet.join([b"", *noise, b""])
    packets = Packets(MAGIC)
    found = [each for begin in range(0, len(stream), step) for each in packets.feed(stream[begin : begin + step])]
    assert len(found) == len(noise) + 1


def test_a_packet_that_was_torn_holds_up_none_that_follows() -> None:
    client = ClientSide(MAGIC, LONGEST)
    client.attach()
    whole = client.output()
    relay = RelaySide(MAGIC, lambda: False)
    relay.feed(whole)
    client.feed(relay.output())
    client.send(FRAME, bytes(PIECE))
    torn = client.output()
    packets = Packets(MAGIC)
    assert packets.feed(torn[: len(torn) // 2]) != packets.feed(whole)
    assert len(packets.feed(whole)) == 1
