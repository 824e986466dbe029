"""What would not survive a fork is found, and nothing else is taken for it."""

from __future__ import annotations

import subprocess
import sys

ENDED = """
import threading
from dockerflow.runtime.fresh import unforkable

for _ in range(100):
    threads = [threading.Thread(target=lambda: None) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert unforkable() == "", unforkable()
"""

WAITING = """
import threading
from dockerflow.runtime.fresh import unforkable

event = threading.Event()
threads = [threading.Thread(target=event.wait) for _ in range(2)]
for thread in threads:
    thread.start()
assert unforkable() == "2 threads", unforkable()
event.set()
"""


def test_threads_that_were_waited_for_are_none_although_the_system_lists_them_for_a_moment() -> None:
    subprocess.run([sys.executable, "-c", ENDED], check=True)


def test_threads_that_wait_are_counted() -> None:
    subprocess.run([sys.executable, "-c", WAITING], check=True)
