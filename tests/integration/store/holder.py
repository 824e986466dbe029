"""Holds a run as its scheduler does, until it is killed. Run as a program: a file with a pickled `Where`, a run."""

from __future__ import annotations

import pickle
import signal
import sys
from pathlib import Path

from dockerflow.store import runs

if __name__ == "__main__":
    store = pickle.loads(Path(sys.argv[1]).read_bytes()).open()
    with runs.hold(store, "F", sys.argv[2]):
        print("held", flush=True)
        signal.pause()
