"""Copies a store until it is killed. Run as a program: a file with two pickled `Where`.

It writes a line whenever the copy tells how far it is, so that a test can kill it at many moments.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

from dockerflow.housekeeping import copy as copying
from dockerflow.housekeeping.copy import Seen, Wanted


def say(seen: Seen) -> None:
    print(seen.blobs, flush=True)


if __name__ == "__main__":
    source, target = pickle.loads(Path(sys.argv[1]).read_bytes())
    copying.copy(source.open(), target.open(), Wanted(tell=say))
    print("done", flush=True)
