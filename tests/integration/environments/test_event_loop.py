"""A process that ends right after it has solved ends well (see `dockerflow.environments.event_loop`)."""

from __future__ import annotations

import _thread
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from dockerflow.environments import event_loop
from tests.integration.environments.small_channel import SmallChannel

# More processes at once than there are cores: the threads to wait for are then the ones that are kept waiting.
AT_ONCE, PROCESSES = 6, 12


def test_the_interpreters_end_waits_for_threads_that_it_did_not_start() -> None:
    let_go = threading.Event()
    _thread.start_new_thread(let_go.wait, ())
    waiting = threading.Thread(target=event_loop._wait_for_foreign_threads)
    waiting.start()
    waiting.join(event_loop.PATIENCE / 10)
    assert waiting.is_alive()
    let_go.set()
    waiting.join(event_loop.PATIENCE / 2)
    assert not waiting.is_alive()


def test_the_interpreter_ends_after_the_solvers_threads(channel: SmallChannel) -> None:
    code = f"from dockerflow.environments.solver import solve\nsolve({channel.spec('')!r})"
    spec = "from dockerflow.environments.spec import EnvironmentSpec\n"

    def end(_: int) -> int:
        return subprocess.run([sys.executable, "-c", spec + code], check=False, capture_output=True).returncode

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert set(pool.map(end, range(PROCESSES))) == {0}
