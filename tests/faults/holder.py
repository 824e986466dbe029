"""Holds a run as its scheduler does, until it is killed. Run as a program: the folder of a store, a run's id."""

from __future__ import annotations

import signal
import sys

from dockerflow.store import runs
from dockerflow.store.directory import DirectoryStore

if __name__ == "__main__":
    with runs.hold(DirectoryStore(sys.argv[1]), "F", sys.argv[2]):
        print("held", flush=True)
        signal.pause()
