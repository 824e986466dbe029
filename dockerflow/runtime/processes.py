"""End everything that a task has started, also what hid from it.

A task may leave processes that run in sessions of their own (a daemon does). The worker is made the reaper of its
descendants: whoever loses its parent becomes the worker's child, so none can leave its tree, and having no child
means that nothing is left. Linux only.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from contextlib import suppress
from typing import Callable, Dict, FrozenSet, Iterable, List, Optional, Set, Tuple

# <linux/prctl.h>
_SET_PDEATHSIG = 1
_SET_DUMPABLE = 4
_SET_CHILD_SUBREAPER = 36

# How long it may take after SIGKILL until another process has died, in seconds. One that waits for a broken disk does
# not die at all; thousands die one after the other, which takes a minute where much else wants the processor.
PATIENCE = 10.0

# Between two looks whether they are dead, in seconds: few are soon, and to look holds up thousands.
_SOONEST, _LATEST = 0.001, 0.05


class Patience:
    """Until nothing has died for `PATIENCE`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._deadline = clock() + PATIENCE
        self._pause = _SOONEST

    def is_over(self, died: int) -> bool:
        """`died` is how many have since the last time."""
        if died:
            self._deadline = self._clock() + PATIENCE
        return self._clock() > self._deadline

    def wait(self) -> None:
        time.sleep(self._pause)
        self._pause = min(2 * self._pause, _LATEST)


def become_reaper() -> None:
    """Make this process the parent of its orphaned descendants."""
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def hide() -> None:
    """Keep other processes of this user from opening our descriptors and our memory (`/proc/pid/fd`, `ptrace`).

    The kernel's word for it is "not dumpable". Files of our own below `/proc/self` are then root's: `show_again` is for
    a task's process, whose code may want them.
    """
    ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)


def show_again() -> None:
    """Undo `hide`, which a forked process inherits."""
    ctypes.CDLL(None).prctl(_SET_DUMPABLE, 1, 0, 0, 0)


def die_with_parent() -> None:
    """Have this process killed when its parent dies, however that happens."""
    ctypes.CDLL(None).prctl(_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def kill(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def kill_group(leader: int) -> None:
    """Kill a process and its group. The process may not have become the leader of its group yet."""
    kill([leader], signal.SIGKILL)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def descendants(spared: FrozenSet[int] = frozenset()) -> Set[int]:
    """The living processes below this one, without those of `spared` and what is below them."""
    below: Dict[int, List[int]] = {}
    for pid, parent in _living():
        below.setdefault(parent, []).append(pid)
    found: Set[int] = set()
    waiting = [os.getpid()]
    while waiting:
        children = [pid for pid in below.get(waiting.pop(), ()) if pid not in spared and pid not in found]
        found.update(children)
        waiting += children
    return found


def end_all_others() -> bool:
    """Kill every process that we can see but the first; whether all that were ours are gone. For a container's worker.

    One call that the kernel carries out at once: thousands of processes that fork leave us no time to look at each.
    """
    patience, died = Patience(), _reap()
    while died is not None:
        if patience.is_over(died):
            return False
        kill([-1], signal.SIGKILL)
        patience.wait()
        died = _reap()
    return True


def end_descendants(spared: FrozenSet[int] = frozenset()) -> bool:
    """Kill and reap every process below this one but `spared`; whether all are gone.

    All are stopped before any is killed: one that keeps forking would otherwise fill the places of the dead.
    """
    stopped: Set[int] = set()
    patience, died = Patience(), _reap()
    while died is not None:
        found = descendants(spared)
        if not found:
            return True
        if patience.is_over(died):
            return False
        if found <= stopped:
            kill(found, signal.SIGKILL)
            patience.wait()
        else:
            kill(found, signal.SIGSTOP)
        stopped |= found
        died = _reap()
    return True


def _reap() -> Optional[int]:
    """Take leave of dead children: how many they were. None when no living one is left."""
    died = 0
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            died += 1
    except ChildProcessError:
        return None
    return died


def _living() -> List[Tuple[int, int]]:
    """Each process that we can see and is no zombie, with its parent (see proc(5), `/proc/pid/stat`)."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/" + name + "/stat", "rb") as stream:
                    state, parent = stream.read().rpartition(b")")[2].split()[:2]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if state not in (b"Z", b"X"):
                found.append((int(name), int(parent)))
    return found
