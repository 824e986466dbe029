"""A step that joins as many inputs as one likes, for what it reads of them and keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dockerflow.flow.loading import load
from dockerflow.runtime.messages import Input, RunTask, TaskResult
from dockerflow.runtime.task import run_task
from dockerflow.store import manifest
from dockerflow.store.base import BlobStore

FLOW = """
from dockerflow import FlowSpec, step

class Wide(FlowSpec):
    @step
    def start(self):
        self.xs = [1]
        self.next(self.work, foreach="xs")

    @step
    def work(self):
        self.next(self.join)

    @step
    def join(self, inputs):
{body}
        self.next(self.end)

    @step
    def end(self):
        pass
"""


class WideJoin:
    """A join of so many inputs, which have the artifacts that `values` gives for their number, in `blobs`."""

    def __init__(self, folder: Path, blobs: BlobStore, width: int, values: Any = lambda number: {"y": number}) -> None:
        self.folder = folder
        self.manifests = [manifest.write(blobs, values(number), {}, "work") for number in range(width)]
        self.parameters = manifest.write(blobs, {}, {})

    def run(self, blobs: BlobStore, *lines: str) -> TaskResult:
        """The step with these lines, as a task that sees these blobs."""
        file = self.folder / "flow.py"
        file.write_text(FLOW.format(body="\n".join(" " * 8 + line for line in lines)))
        loaded = load(file)
        inputs = tuple(Input("work", str(number), sha256) for number, sha256 in enumerate(self.manifests))
        request = RunTask("Wide", "1", "join", "j", 0, True, self.parameters, inputs)
        return run_task(loaded.cls, loaded.flow, request, blobs)
