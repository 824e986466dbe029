"""What a step's processes ask reaches the scheduler, and each answer the one who asked."""

from __future__ import annotations

import os
import selectors
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockerflow.runtime.broker import Broker
from dockerflow.runtime.channel import Channel
from dockerflow.runtime.frames import Frames
from dockerflow.runtime.messages import Answered, Ask, decode, encode
from dockerflow.store.errors import StoreError
from dockerflow.store.s3.access import Access, Answer, Presigned, Question, Refused, ToSign
from dockerflow.store.s3.line import Line
from dockerflow.store.s3.place import Place
from dockerflow.store.sockets import connect

# Nothing that a test waits for takes so long, in seconds.
LIMIT = 20

# More than the kernel takes at once: all certificates that a machine trusts.
LONG = Access(Place("https://host:1", "bucket", ca="certificate\n" * 60_000))


class Scheduler:
    """The other end of a worker's streams: it signs what it is asked by repeating the key, twice in a row if told to
    wait, and refuses what begins with `no`."""

    def __init__(self, folder: Path) -> None:
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        self._in, self._out = ours_in, ours_out
        self.asked: list[Ask] = []
        self.broker = Broker(str(folder), Channel(theirs_in, theirs_out))
        self._theirs = theirs_in, theirs_out
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        os.close(self._theirs[1])
        self._thread.join(LIMIT)
        for descriptor in (self._theirs[0], self._in, self._out):
            os.close(descriptor)
        self.broker.close_in_child()

    def _serve(self) -> None:
        frames = Frames()
        while received := os.read(self._in, 1 << 16):
            for body in frames.feed(received):
                message = decode(body)
                assert isinstance(message, Ask)
                self.asked.append(message)
                os.write(self._out, encode(Answered(message.number, answer(message.question))))


def answer(question: Question) -> Answer:
    wanted = question.request
    if wanted is None:
        return Answer(access=Access(Place("http://host:1", "bucket")))
    if wanted.key == "long":
        return Answer(access=LONG)
    if str(wanted.key).startswith("no"):
        return Answer(refused=Refused("no", "never"))
    return Answer(signed=Presigned(f"http://host/{wanted.key}", (("a", "b"),)))


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[Scheduler]:
    made = Scheduler(tmp_path)
    with made.broker.in_thread():
        yield made
    made.close()


def ask(line: Line, key: str) -> Answer:
    return line.ask(Question(ToSign("GET", key)))


def test_everyone_gets_the_answer_to_their_own_question(scheduler: Scheduler) -> None:
    wrong: list[str] = []

    def go_on_asking(name: str) -> None:
        line = Line(scheduler.broker.path)
        for number in range(50):
            signed = ask(line, f"{name}/{number}").signed
            if signed is None or signed.url != f"http://host/{name}/{number}":
                wrong.append(f"{name}/{number}: {signed}")

    threads = [threading.Thread(target=go_on_asking, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert wrong == []
    assert len(scheduler.asked) == 200


def test_a_forked_process_asks_for_itself(scheduler: Scheduler) -> None:
    line = Line(scheduler.broker.path)
    assert ask(line, "before").signed is not None
    pid = os.fork()
    if pid == 0:
        signed = ask(line, "child").signed
        os._exit(0 if signed is not None and signed.url == "http://host/child" else 1)
    for number in range(20):
        signed = ask(line, f"parent/{number}").signed
        assert signed is not None
        assert signed.url == f"http://host/parent/{number}"
    assert os.waitpid(pid, 0)[1] == 0


def test_access_and_refusals_arrive_as_they_were_given(scheduler: Scheduler) -> None:
    line = Line(scheduler.broker.path)
    assert line.ask(Question()) == Answer(access=Access(Place("http://host:1", "bucket")))
    assert ask(line, "no").refused == Refused("no", "never")
    assert scheduler.broker.access == Access(Place("http://host:1", "bucket")), "the next task begins with it"


def test_a_long_answer_arrives_whole_and_who_does_not_read_it_holds_up_nobody(scheduler: Scheduler) -> None:
    deaf = connect(scheduler.broker.path)
    deaf.sendall(b'{"request": {"method": "GET", "key": "long"}}\n')
    lines = [Line(scheduler.broker.path) for _ in range(3)]
    assert [ask(line, key).access for line in lines for key in ("long", "short", "long")] == [LONG, None, LONG] * 3
    deaf.close()


@pytest.mark.parametrize("said", [b"\n", b"{}x\n", b'{"request": 1}\n', b'{"number": 1}\n', b"x" * (2 << 20)])
def test_who_asks_nonsense_is_let_go_and_the_others_are_answered(scheduler: Scheduler, said: bytes) -> None:
    with connect(scheduler.broker.path) as connection:
        connection.settimeout(LIMIT)
        try:
            connection.sendall(said)
            assert connection.recv(1) == b""
        except ConnectionError:  # it was let go before it had said all of it
            pass
    assert ask(Line(scheduler.broker.path), "after").signed is not None
    assert [each.question.request for each in scheduler.asked] == [ToSign("GET", "after")]


def test_who_has_gone_before_the_answer_disturbs_nobody(scheduler: Scheduler) -> None:
    for _ in range(20):
        connection = connect(scheduler.broker.path)
        connection.sendall(b'{"request": null}\n')
        connection.close()
    assert ask(Line(scheduler.broker.path), "after").signed is not None


def test_only_the_user_may_connect(scheduler: Scheduler) -> None:
    assert os.stat(scheduler.broker.path).st_mode & 0o777 == 0o600


def test_a_path_may_be_longer_than_the_kernel_takes(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 100) / ("y" * 100)
    folder.mkdir(parents=True)
    scheduler = Scheduler(folder)
    with scheduler.broker.in_thread():
        assert ask(Line(scheduler.broker.path), "key").signed is not None
    scheduler.close()


def test_where_nobody_listens_the_store_cannot_be_asked(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "broker"))
        for path in (tmp_path / "broker", tmp_path / "none" / "broker"):
            with pytest.raises(StoreError, match="nobody answers"):
                Line(str(path)).ask(Question())


@pytest.mark.parametrize("asked_before", [True, False])
def test_a_scheduler_that_is_gone_leaves_nobody_waiting_for_its_answer(tmp_path: Path, asked_before: bool) -> None:
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    broker = Broker(str(tmp_path), Channel(theirs_in, theirs_out))
    refused: list[StoreError] = []

    def wait_for_an_answer() -> None:
        try:
            ask(Line(broker.path), "key")
        except StoreError as error:
            refused.append(error)

    asking = threading.Thread(target=wait_for_an_answer, daemon=True)
    with broker.in_thread():
        if asked_before:
            asking.start()
            assert os.read(ours_in, 1)
        os.close(ours_in)
        os.close(ours_out)
        if not asked_before:
            asking.start()
        asking.join(LIMIT)
    for descriptor in (theirs_in, theirs_out):
        os.close(descriptor)
    broker.close_in_child()
    assert len(refused) == 1


def test_who_has_gone_takes_nobody_along_that_has_their_descriptor_by_now(tmp_path: Path) -> None:
    incoming, outgoing = os.pipe()
    broker = Broker(str(tmp_path), Channel(incoming, outgoing))
    with selectors.DefaultSelector() as selector:
        broker.listen(selector)
        with connect(broker.path):
            _turn(selector)
            gone = {key.fd: key.data for key in selector.get_map().values()}
        _turn(selector)
        with connect(broker.path):
            _turn(selector)
            there = set(selector.get_map())
            assert there == set(gone)
            for ready in gone.values():
                ready()
            assert set(selector.get_map()) == there
    broker.close_in_child()
    for descriptor in (incoming, outgoing):
        os.close(descriptor)


def _turn(selector: selectors.BaseSelector) -> None:
    for key, _ in selector.select(LIMIT):
        key.data()
