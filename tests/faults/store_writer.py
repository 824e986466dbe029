"""Writes blobs and journals until it is killed. Run as a program: a file with a pickled `Where`, a folder, a seed.

It says on standard output what it has finished, so that a test can compare: a line `blob <sha256>`, `adopted <sha256>`
or `record <run> <number>` is written when the call has returned.
"""

from __future__ import annotations

import pickle
import random
import sys
from pathlib import Path

from dockerflow.scheduler.receiving import Receiver
from dockerflow.store import delivery, journal, manifest, runs
from dockerflow.store.base import Store
from dockerflow.store.blobs import Blobs
from dockerflow.store.directory import DirectoryStore
from dockerflow.store.journal import JournalWriter
from dockerflow.store.records import TaskCreated


def write(store: Store, folder: Path, seed: int) -> None:
    journal.MERGE = 4  # as many merges as possible
    dice, outbox = random.Random(seed), folder / "outbox"
    outbox.mkdir(exist_ok=True)
    container = Blobs(folder / "unseen", outbox)
    if isinstance(store, DirectoryStore):
        (outbox / delivery.NAME).unlink(missing_ok=True)  # of the one that was killed before
        Receiver(outbox, store.blobs)
    while True:
        run_id = runs.new_run_id(store, "F")
        writer = JournalWriter(store, "F", run_id)
        for number in range(dice.randrange(1, 40)):
            say("blob", store.blobs.put([dice.randbytes(dice.choice([0, 10, 100_000, 1_000_000]))]))
            say("blob", manifest.write(store.blobs, {"x": number, "y": dice.randbytes(70_000)}, {}))
            sha256 = container.put([dice.randbytes(20_000)])
            store.blobs.adopt(outbox, sha256)
            say("adopted", sha256)
            if isinstance(store, DirectoryStore) and number % 4 == 0:
                say("blob", str(delivery.deliver(outbox, [dice.randbytes(delivery.LEAST)])))
            writer.append(TaskCreated(float(number), "step", str(number)))
            writer.flush()
            say("record", run_id, str(number))
        writer.close()


def say(*words: str) -> None:
    print(*words, flush=True)


if __name__ == "__main__":
    write(pickle.loads(Path(sys.argv[1]).read_bytes()).open(), Path(sys.argv[2]), int(sys.argv[3]))
