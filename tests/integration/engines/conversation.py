"""Talk with a worker as the scheduler does: over `start_worker`, `send` and what it says."""

from __future__ import annotations

import queue
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from dockerflow.engines.worker import Host, Notify, Said, Worker, WorkerEnded, WorkerRequest
from dockerflow.runtime.messages import Input, Log, RunTask, TaskResult
from dockerflow.store import code_package, directory, manifest

FLOWS = Path(__file__).parent / "flows"

# Nothing that a test waits for takes so long, in seconds.
LIMIT = 60

S = TypeVar("S")

Start = Callable[[WorkerRequest, Notify], Worker]


class Scene:
    """A store and an outbox on a host, with the code of one of `flows`."""

    def __init__(self, host: Host, root: Path, image: str) -> None:
        self.host = host
        self.image = image
        self.store = directory.create(root)
        self.outbox = root / "outbox"
        host.make_outbox(self.outbox)
        self.parameters = manifest.write(self.store.blobs, {}, {})
        self.conversations: list[Conversation] = []

    def request(self, flow: str = "Hostile", **changes: Any) -> WorkerRequest:
        file = FLOWS / f"{flow.lower()}.py"
        request = WorkerRequest(
            worker_id=7,
            name=f"dockerflow-test-{uuid.uuid4().hex[:12]}",
            image=self.image,
            labels={"dockerflow.test": "engines"},
            flow_name=flow,
            flow_file=file.name,
            code=self.store.blobs.put([code_package.pack(file)]),
            blobs=self.store.blobs.root,
            outbox=self.outbox,
        )
        return replace(request, **changes)

    def start(self, flow: str = "Hostile", **changes: Any) -> Conversation:
        conversation = Conversation(self, self.request(flow, **changes))
        self.conversations.append(conversation)
        return conversation

    def close(self) -> None:
        for conversation in self.conversations:
            conversation.worker.kill()
        for conversation in self.conversations:
            if not conversation.over:
                conversation.until(WorkerEnded)


class Conversation:
    """One worker and everything that it has said so far. `start`: how else it is had than by `start_worker`."""

    def __init__(self, scene: Scene, request: WorkerRequest, start: Start | None = None) -> None:
        self.scene = scene
        self.request = request
        self.over = False
        self._heard: queue.Queue[tuple[int, Said]] = queue.Queue()
        start = start or scene.host.start_worker
        self.worker = start(request, lambda worker_id, said: self._heard.put((worker_id, said)))

    def waiting(self) -> int:
        """How many messages are there to be read."""
        return self._heard.qsize()

    def next(self) -> Said:
        worker_id, said = self._heard.get(timeout=LIMIT)
        assert worker_id == self.request.worker_id
        assert not self.over, f"{said} after the end"
        self.over = isinstance(said, WorkerEnded)
        return said

    def until(self, kind: type[S]) -> S:
        """The next message of a kind; what comes before it is passed over."""
        while not isinstance(said := self.next(), kind):
            assert not isinstance(said, WorkerEnded), said
        return said

    def send(self, step: str, *inputs: Input, attempt: int = 0) -> RunTask:
        task = RunTask(self.request.flow_name, "1", step, "1", attempt, True, self.scene.parameters, inputs)
        self.worker.send(task)
        return task

    def run(self, step: str, *inputs: Input) -> tuple[list[tuple[str, str]], TaskResult]:
        """What a task of the step prints (stream and text of each line), and its result."""
        self.send(step, *inputs)
        return self.outcome()

    def outcome(self) -> tuple[list[tuple[str, str]], TaskResult]:
        lines: list[tuple[str, str]] = []
        while True:
            said = self.next()
            if isinstance(said, Log):
                lines += [(line.stream, line.text) for line in said.lines]
            elif isinstance(said, TaskResult):
                for blob in said.blobs:
                    self.scene.store.blobs.adopt(self.scene.outbox, blob)
                return lines, said
            else:
                assert not isinstance(said, WorkerEnded), said

    def artifacts(self, result: TaskResult) -> dict[str, Any]:
        assert result.ok, result.failure
        assert result.manifest is not None
        blobs = self.scene.store.blobs
        refs = manifest.read(blobs, result.manifest).artifacts
        return {name: manifest.load(blobs, ref) for name, ref in refs.items()}
