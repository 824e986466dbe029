"""Steps that leave in the outbox what the scheduler has to take."""

import os
from pathlib import Path

from dockerflow import FlowSpec, step
from dockerflow.store import asked_tags

MILLION = 1_000_000


class Leaving(FlowSpec):
    @step
    def start(self):
        self.value = os.urandom(20 * MILLION)
        self.small = "small"
        self.next(self.end)

    @step
    def asks(self):
        outbox = Path(os.environ["DOCKERFLOW_OUTBOX"])
        asked_tags.leave(outbox, "first")
        asked_tags.leave(outbox, "second")
        (outbox / "tags-link.json").symlink_to("/etc/passwd")
        print(oct(outbox.stat().st_mode & 0o777), os.path.ismount(str(outbox)))
        raise ValueError("after them")

    @step
    def looks(self):
        print(sum(len(name) == 64 for name in os.listdir(os.environ["DOCKERFLOW_OUTBOX"])), "blobs")
        self.next(self.end)

    @step
    def removes(self):
        self.a_value = os.urandom(20 * MILLION)
        self.removed = Removing()
        self.next(self.end)

    @step
    def end(self):
        pass


class Removing:
    """A value that removes those from the outbox that were written before it."""

    def __reduce__(self):
        for path in Path(os.environ["DOCKERFLOW_OUTBOX"]).iterdir():
            path.unlink()
        return (str, ())
