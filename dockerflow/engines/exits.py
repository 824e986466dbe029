"""How containers end, from the engine's stream of events.

A container is removed by the engine the moment it ends, so afterwards there is nothing to ask. The events tell it while
it happens: `oom` when its memory limit was hit, `kill` when somebody had the engine kill it, `die` with its status. One
connection serves all containers of a host.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import docker
from docker.types import CancellableStream

from dockerflow.engines.boundary import FOREIGN

# How long the events may come after the end of the output, in seconds.
PATIENCE = 30.0

# An `oom` may overtake `die` by a little, but never comes after the removal.
_REMOVAL = 2.0

_KILLED = 137  # 128 + SIGKILL
_ACTIONS = ["oom", "kill", "die", "died", "destroy", "remove"]
_REMOVED = ("destroy", "remove")


class Exit:
    """How one container ended, as far as it is known by now.

    `presumes_memory`: a kill that nobody asked for was for want of memory.
    """

    def __init__(self, presumes_memory: bool = False) -> None:
        self.code: int | None = None
        self._memory_ran_out = presumes_memory
        self._asked_for = False
        self._died = threading.Event()
        self._removed = threading.Event()

    def wait(self, seconds: float = PATIENCE) -> bool:
        """Wait for the container's end; whether it came."""
        self._died.wait(seconds)
        if self.code == _KILLED and not self._asked_for and not self._memory_ran_out:
            self._removed.wait(_REMOVAL)
        return self.code is not None

    @property
    def out_of_memory(self) -> bool:
        return self.code == _KILLED and self._memory_ran_out and not self._asked_for

    def tell(self, action: str, attributes: Mapping[str, str]) -> None:
        if action == "oom":
            self._memory_ran_out = True
        elif action == "kill":
            self._asked_for = True
        elif action == "die":
            self.code = int(attributes.get("exitCode", -1))
            self._died.set()
        elif action in _REMOVED:
            self.give_up()

    def give_up(self) -> None:
        """Nothing more will be known."""
        self._died.set()
        self._removed.set()


class Exits:
    """Watches the containers of one engine, from the first that it is told of."""

    def __init__(self, client: docker.DockerClient, engine_time: str) -> None:
        self._client = client
        self._since = _seconds(engine_time)
        self._expected: dict[str, Exit] = {}
        self._lock = threading.Lock()
        self._watching = False
        self._stream: CancellableStream[Any] | None = None

    def close(self) -> None:
        """Stop watching."""
        if self._stream is not None:
            with suppress(*FOREIGN):
                self._stream.close()

    def expect(self, container_id: str, presumes_memory: bool = False) -> Exit:
        """Must be called before the container is started."""
        with self._lock:
            expected = self._expected[container_id] = Exit(presumes_memory)
            if not self._watching:
                self._watching = True
                threading.Thread(target=self._watch, name="docker-events", daemon=True).start()
        return expected

    def past(self, container_id: str, presumes_memory: bool = False) -> Exit:
        """How a container ended of which this was not asked before, as far as the engine remembers. Raises what the SDK
        raises."""
        now = _seconds(str(self._client.info().get("SystemTime", "")))
        filters = {"type": "container", "container": container_id, "event": _ACTIONS}
        found = Exit(presumes_memory)
        # What happens in this second counts, too.
        for event in self._client.api.events(since=self._since, until=now + 1, filters=filters, decode=True):
            if event["Actor"]["ID"] == container_id:
                found.tell(event["Action"], event["Actor"].get("Attributes") or {})
        return found

    def _watch(self) -> None:
        # What happened since the engine's time at the connection is repeated, so nothing is missed before this begins.
        try:
            filters = {"type": "container", "event": _ACTIONS}
            self._stream = self._client.api.events(since=self._since, filters=filters, decode=True)
            self._listen(self._stream)
        except FOREIGN:  # the engine went away; what is said about the containers is that nothing is known
            pass
        finally:
            with self._lock:
                self._watching = False
                for expected in self._expected.values():
                    expected.give_up()
                self._expected.clear()

    def _listen(self, events: Iterable[Mapping[str, Any]]) -> None:
        for event in events:
            action, actor = event["Action"], event["Actor"]
            with self._lock:
                expected = self._expected.get(actor["ID"])
                if action in _REMOVED:
                    self._expected.pop(actor["ID"], None)
            if expected is not None:
                expected.tell(action, actor.get("Attributes") or {})


def _seconds(engine_time: str) -> int:
    """The seconds of an engine's own clock, which need not be ours. It gives nanoseconds, which `datetime` refuses."""
    found = re.match(r"(\S{19})(?:\.\d+)?(Z|[+-]\d\d:\d\d)?$", engine_time)
    if found is None:
        return 0  # all that the engine remembers
    zone = found.group(2)
    return int(datetime.fromisoformat(found.group(1) + ("+00:00" if zone in (None, "Z") else zone)).timestamp())
