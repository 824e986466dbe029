"""A network of two: this machine and one world, which reach nothing else by it.

Between them is a switch in a network namespace of its own. So this machine keeps its address and its way to the other
when that is cut off or gone, and nobody else, to whom the default route may lead, answers for it. Which number a link
has decides its name and addresses. A number is taken by whoever has bound a socket of that name, so it is free again as
soon as its process is gone, however that ended; the switch, and with it the link, goes then, too. The addresses are of
a block for tests of networks (RFC 2544), which no router forwards.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

NUMBERS = range(1, 255)
SECONDS = 30.0
LOOK_EVERY = 0.01

# Its arguments: the switch's process, the name, the address. A link of the same number may be left for a moment by a
# process that was killed.
_HERE = """
ip link delete "$2" 2>/dev/null || true
ip link add "$2" type veth peer name here netns "$1"
ip address add "$3/24" dev "$2"
ip link set "$2" up
in_switch() { nsenter --target "$switch" --net "$@"; }
switch=$1
in_switch ip link add switch type bridge
in_switch ip link set switch up
in_switch ip link set here master switch up
"""

# Arguments: the switch's process, one in the world, its address there, and its hardware's, which stays what it is when
# the world is started again. What is left of an earlier world goes a moment after it.
_THERE = """
in_switch() { nsenter --target "$switch" --net "$@"; }
in_world() { nsenter --target "$world" --net "$@"; }
switch=$1 world=$2
in_switch ip link delete there 2>/dev/null || true
in_switch ip link add there type veth peer name eth0 address "$4" netns "$world"
in_switch ip link set there master switch up
in_world ip address add "$3/24" dev eth0
in_world ip link set eth0 up
"""

# Of a process that dies with its parent, the parent is the thread that started it: this one lives as long as we do.
_STARTER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="links")


@dataclass(frozen=True)
class Link:
    number: int
    switch: int  # the process whose network is the switch

    @property
    def name(self) -> str:
        return f"dockerflow-{self.number}"

    @property
    def here(self) -> str:
        """The address of this machine as it is seen from there."""
        return f"198.18.{self.number}.1"

    @property
    def there(self) -> str:
        return f"198.18.{self.number}.2"

    def lay(self, process: int) -> None:
        """Lay it to the network that a process is about to enter."""
        _wait_for_network_of(process)
        hardware = f"02:00:c6:12:{self.number:02x}:02"
        _do("sh", "-ec", _THERE, "there", str(self.switch), str(process), self.there, hardware)

    def cut(self) -> None:
        """Let everything be lost, in both directions, from now on; nobody is told."""
        self._in_switch("set", "down")

    def mend(self) -> None:
        """Return when both ends have noticed."""
        self._in_switch("set", "up")
        deadline = time.monotonic() + SECONDS
        while not all("state UP" in said for said in (_do("ip", "link", "show", self.name), self._in_switch("show"))):
            assert time.monotonic() < deadline, f"{self.name} does not come up"
            time.sleep(LOOK_EVERY)
        # Whoever asks for the way there is not to be told that it was asked for in vain until now.
        _do("ip", "neighbour", "flush", "dev", self.name)

    def _in_switch(self, word: str, *words: str) -> str:
        return _do("nsenter", "--target", str(self.switch), "--net", "ip", "link", word, "here", *words)


@contextmanager
def numbered() -> Iterator[Link]:
    """A link whose number no other process of this machine has, with nothing at its other end yet."""
    with socket.socket(socket.AF_UNIX) as taken:
        number = next(number for number in NUMBERS if _bound(taken, f"\0dockerflow-tests-link-{number}"))
        command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sleep", "infinity"]
        switch = _STARTER.submit(subprocess.Popen, command, start_new_session=True).result()
        try:
            link = Link(number, switch.pid)
            _wait_for_network_of(switch.pid)
            _do("sh", "-ec", _HERE, "here", str(switch.pid), link.name, link.here)
            yield link
        finally:
            switch.kill()
            switch.wait()


def _bound(found: socket.socket, name: str) -> bool:
    try:
        found.bind(name)
    except OSError:
        return False
    return True


def _wait_for_network_of(process: int) -> None:
    ours = os.readlink("/proc/self/ns/net")
    deadline = time.monotonic() + SECONDS
    while Path(f"/proc/{process}/ns/net").readlink() == Path(ours):
        assert time.monotonic() < deadline, f"process {process} has entered no network of its own"
        time.sleep(LOOK_EVERY)


def _do(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words} failed: {done.stderr}"
    return done.stdout
