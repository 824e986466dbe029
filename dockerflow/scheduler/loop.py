"""The one loop around the core: it waits, tells the core what happened, and carries out what the core asks for.

Workers, timers and signals put what they have to say into one inbox; the loop takes everything that is there, so that
at a thousand tasks per second one turn serves many of them and one journal write holds them all. Results are taken into
the store before the core hears of them, and the journal is written before a task is handed out that follows what is
not yet in it: a step that reads its own run finds itself and all that it followed. Others that run beside it, it finds
a moment later (`FLUSH_EVERY`): a write for each of a thousand tasks would cost as much as a tenth of them.

The loop itself waits for nothing but its inbox: containers are started in threads, since a start takes a tenth of a
second, and the store, which may be slow or away, is written in others (`keeping`, `journaling`). When `run` returns or
raises, no worker is left.
"""

from __future__ import annotations

import heapq
import queue
import time
import weakref
from collections import Counter, deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from dockerflow import progress
from dockerflow.engines.watch import Away, Back, GivenUp, HostState
from dockerflow.engines.worker import Host
from dockerflow.errors import DockerflowError
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.runtime.messages import Broken, Log, Ready, RunTask
from dockerflow.scheduler import values as v
from dockerflow.scheduler.core import advance
from dockerflow.scheduler.journaling import Journaling, Written
from dockerflow.scheduler.keeping import Ended, Keeping, Returned
from dockerflow.scheduler.logs import Logs
from dockerflow.scheduler.reuse import Reuse
from dockerflow.scheduler.starting import NotStarted, Started
from dockerflow.scheduler.state import Run
from dockerflow.scheduler.tagging import Tagging
from dockerflow.scheduler.workers import Request, Workers
from dockerflow.store.base import Store
from dockerflow.store.errors import StoreError
from dockerflow.store.journal import JournalWriter
from dockerflow.store.records import AttemptFinished, AttemptStarted, Failure, Record, RunFinished, TaskCreated

# How long a finished task may be known to the scheduler alone, in seconds: what a kill at the worst moment costs.
FLUSH_EVERY = 0.1

# How long a worker that was told to end may take, in seconds.
PATIENCE = 10.0

# What one turn takes from the inbox at most, so that the journal and the screen are never far behind.
TURN = 512


@dataclass(frozen=True)
class Stop:
    """Put into the inbox by a signal handler."""

    reason: str


@dataclass(frozen=True)
class Lost:
    """Put into the inbox when the store is away for longer than one waits; what is written is kept elsewhere by now."""

    error: StoreError


@dataclass(frozen=True)
class OfHost:
    """Put into the inbox when a remote host is away, given up, or back."""

    name: str
    state: HostState


Inbox = queue.SimpleQueue[tuple[int, object]]


@dataclass
class Loop:
    """Runs one `state.Run` on its hosts, which are by the names that the plan has for them. `inbox` is given from
    outside so that a signal handler can write to it.
    """

    core: Run
    hosts: Mapping[str, Host]
    request: Request
    store: Store
    journal: JournalWriter
    notify: progress.Notify
    inbox: Inbox
    log_limit: int | None = None  # of each stream of an attempt, in bytes
    reuse: Reuse | None = None  # where the plan has steps that are looked up

    def __post_init__(self) -> None:
        logs = Logs(self.store, self.core.plan.flow, self.core.plan.run_id, self.log_limit)
        self._tagging = Tagging(self.store, self.notify)
        self._keeping = Keeping(self.store, logs, self._tagging, self._put)
        self._journaling = Journaling(self.journal, lambda told: self._put(0, told))
        self._taken: deque[tuple[int, object]] = deque()  # from the inbox, for this turn
        self._workers = Workers(self.hosts, self.request, self._keeping.hear, self._put, self.notify)
        self._given_up: set[str] = set()  # hosts
        self._to_hand_out: list[v.Assign] = []  # as soon as the journal tells what they follow
        self._untold: dict[str, int] = {}  # tasks that were created or have ended → the flush that tells it
        self._retries: list[tuple[float, str]] = []
        self._flush_number = 0  # of the last that has begun
        self._flushed = 0.0
        self._finish: v.Finish | None = None
        self._noted = False  # that tasks have interpreters of their own

    def _put(self, number: int, item: object) -> None:
        """From any thread."""
        self.inbox.put((number, item))

    def run(self) -> v.Finish:
        """Run to the end. Whatever is raised, such as StoreError for a full disk, is the end of the run as well."""
        for name, host in self.hosts.items():
            host.when_away(lambda state, name=name: self._put(0, OfHost(name, state)))  # type: ignore[misc]
        try:
            self._tell(v.Begin())
            self._workers.leave(self.core.plan.running.values())
            while self._finish is None:
                self._take()
                while self._taken:
                    self._receive(*self._taken.popleft())
                self._tell_due_retries()
                self._hand_out()
                if time.monotonic() - self._flushed >= FLUSH_EVERY:
                    self._flush()
            return self._finish
        except BaseException as error:
            self._broken_off(error)
            raise
        finally:
            left = self._workers.requests()
            self._keeping.close()
            self._end_workers()
            if self.reuse is not None:
                self.reuse.close()
            for request in left:
                self._tagging.take_over(request)
            self._journaling.close()

    def _broken_off(self, error: BaseException) -> None:
        if not self.core.finished:
            self.core.finished = True
            status = "stopped" if isinstance(error, KeyboardInterrupt) else "failed"
            reason = error.message if isinstance(error, DockerflowError) else f"{type(error).__name__}: {error}"
            self._journaling.append(RunFinished(time.time(), status, reason))

    # ---- waiting

    def _take(self) -> None:
        """What is in the inbox; waits for the first until a retry is due or the journal wants writing."""
        with suppress(queue.Empty):
            self._taken.append(self.inbox.get(timeout=self._wait_at_most()))
            while len(self._taken) < TURN:
                self._taken.append(self.inbox.get_nowait())

    def _next(self, deadline: float) -> tuple[int, object]:
        """What comes next, for those who wait for something particular. Raises queue.Empty at the deadline."""
        if self._taken:
            return self._taken.popleft()
        return self.inbox.get(timeout=max(0.0, deadline - time.monotonic()))

    def _wait_at_most(self) -> float:
        due = self._retries[0][0] - time.monotonic() if self._retries else FLUSH_EVERY
        return max(0.0, min(due, FLUSH_EVERY))

    def _tell_due_retries(self) -> None:
        while self._retries and self._retries[0][0] <= time.monotonic():
            self._tell(v.RetryDue(heapq.heappop(self._retries)[1]))

    def _hand_out(self) -> None:
        """What the journal in the store tells of, and all that it follows; for the others it is to be written."""
        waiting = []
        for assigned in self._to_hand_out:
            needed = self._told_by(assigned)
            if needed:
                waiting.append(assigned)
            else:
                self._workers.send(assigned.worker, self._reachable(assigned))
            if needed > self._flush_number:
                self._flush()
        self._to_hand_out = waiting

    def _reachable(self, assigned: v.Assign) -> RunTask:
        """The task, told where its gang's first one is: the core knows workers by number. One whose container is gone
        is nowhere, and the gang about to fail.
        """
        task = assigned.task
        if task.gang is None:
            return task
        return replace(task, gang=replace(task.gang, address=self._workers.address(assigned.control or 0)))

    def _told_by(self, assigned: v.Assign) -> int:
        """The number of the flush after which the store has the task and what it follows; 0: it has."""
        task = assigned.task
        return max(self._untold.get(task_id, 0) for task_id in (task.task_id, *(each.task_id for each in task.inputs)))

    def _flush(self) -> None:
        self._flush_number = self._journaling.flush()
        self._flushed = time.monotonic()

    def _told(self, number: int) -> None:
        self._untold = {task_id: flush for task_id, flush in self._untold.items() if flush > number}

    # ---- what comes in

    def _receive(self, number: int, item: object) -> None:
        match item:
            case Started(worker):
                if self._workers.started(number, worker):
                    self._tell(v.WorkerReady(number))
            case NotStarted(error):
                self._gone(number, Failure("lost", error.message, hint=error.hint or ""), None)
            case Ready(unforkable=left):
                self._note_interpreters(number, left)
                if self._workers.said_ready(number):
                    self._tell(v.WorkerReady(number))
            case Broken(failure):
                self._workers.broken(number, failure)
            case Log():
                self.notify(progress.TaskPrinted(item.step, item.task_id, item.attempt, item.lines, weakref.ref(item)))
            case Returned(result, log):
                self._workers.busy.discard(number)
                self._tell(v.TaskReturned(number, result, log))
            case Ended(failure, log):
                self._gone(number, failure, log)
            case _:
                self._receive_from_us(item)

    def _receive_from_us(self, item: object) -> None:
        match item:
            case Written(flush):
                self._told(flush)
            case Stop(reason):
                self._stop(reason)
            case Lost(error):
                self._tell(v.StoreLost(error.message))
            case OfHost(name, state):
                self._host_changed(name, state)
            case v.LookedUp():
                self._tell(item)
            case BaseException():
                raise item

    def _host_changed(self, name: str, state: HostState) -> None:
        self.notify(progress.Noted(_of_host(name, state)))
        if isinstance(state, GivenUp):
            self._given_up.add(name)
            self._tell(v.HostAway(name, state.reason))
        elif isinstance(state, Back) and name in self._given_up:
            self._given_up.discard(name)
            self._tell(v.HostBack(name))

    def _note_interpreters(self, number: int, left: str) -> None:
        """Say once why a task takes as long as its import does."""
        request = self._workers.request(number)
        if left and not self._noted and request is not None and request.isolation in (None, "container"):
            self._noted = True
            why = f"importing the flow leaves {left}, which no forked process has"
            self.notify(progress.Noted(f"{why}: each task has an interpreter of its own (see `@isolation`)"))

    def _gone(self, number: int, failure: Failure, log: str | None) -> None:
        broken = self._workers.forget(number)
        self._tell(v.WorkerGone(number, broken or failure, deterministic=broken is not None, log=log))

    def _stop(self, reason: str) -> None:
        """End what runs, and hear how: what has returned by then is a result like any other. Of a store that is away
        nobody waits for an answer then."""
        self.store.be_patient(False)
        self._workers.give_up_starting()
        busy = self._workers.busy
        for number in busy & {*self._workers.running()}:
            self._workers.kill(number)
        logs: dict[int, str | None] = {}
        returned: list[v.TaskReturned] = []
        deadline = time.monotonic() + PATIENCE
        with suppress(queue.Empty):
            while busy and time.monotonic() < deadline:
                number, item = self._next(deadline)
                match item:
                    case Started(worker):
                        self._workers.started(number, worker)  # to be killed with the others
                    case Returned(result, log):
                        busy.discard(number)
                        returned.append(v.TaskReturned(number, result, log))
                    case Ended(_, log):
                        self._workers.forget(number)
                        logs[number] = log
                    case Log() | BaseException():
                        self._receive(number, item)
        logs.update((number, self._keeping.give_up(number)) for number in busy)
        self._tell(v.StopRequested(reason, logs, tuple(returned)))

    # ---- what the core asks for

    def _tell(self, event: v.Event) -> None:
        created: Counter[str] = Counter()
        taken_over: Counter[tuple[str, bool]] = Counter()  # steps, and whether they were looked up
        for command in advance(self.core, event, time.time()):
            match command:
                case v.Write(TaskCreated(step=step)):
                    created[step] += 1
                case v.TakeOver(task):
                    taken_over[task.step, task.origin_run_id is not None] += 1
            self._carry_out(command)
        for (step, cached), count in taken_over.items():
            self.notify(progress.TasksTakenOver(step, count, cached))
        for step, count in created.items():
            self.notify(progress.TasksCreated(step, count))

    def _carry_out(self, command: v.Command) -> None:
        match command:
            case v.StartWorker(number, step, host, ahead):
                self._workers.start(number, step, host, ahead)
            case v.Assign() | v.Adopt():
                self._give(command)
            case v.StopWorker(number):
                self._workers.stop(number)
            case v.KillWorker(number):
                self._workers.kill(number)
            case v.Write(record, retry_in):
                self._write(record, retry_in)
            case v.TakeOver(task, result):
                self._append(task)
                self._append(result)
            case v.LookUp():
                self._look_up(command)
            case v.WaitForRetry(task_id, seconds):
                heapq.heappush(self._retries, (time.monotonic() + seconds, task_id))
            case v.Finish():
                self._finish = command

    def _write(self, record: Record, retry_in: float | None) -> None:
        if isinstance(record, AttemptStarted):
            number = int(record.container or 0)  # the core knows workers by number
            record = replace(record, container=self._workers.name(number), host=self._workers.host(number))
            elsewhere = self._workers.elsewhere(number)
            self.notify(progress.AttemptBegan(record.step, record.task_id, record.attempt, elsewhere))
            # What goes on without us is in the store before it begins: whoever resumes must know of it.
            self._append(record, must_be_told=bool(elsewhere))
            return
        self._append(record)
        if isinstance(record, AttemptFinished):
            self.notify(progress.AttemptEnded.of(record, retry_in))
            if record.final and self.reuse is not None:
                self.reuse.leave(record)

    def _give(self, given: v.Assign | v.Adopt) -> None:
        self._keeping.expect(given.worker, (given.task.task_id, given.task.attempt))
        if isinstance(given, v.Adopt):
            self._workers.adopt(given.worker, given.task, given.running)
        else:
            self._workers.busy.add(given.worker)
            self._to_hand_out.append(given)

    def _look_up(self, asked: v.LookUp) -> None:
        if self.reuse is None:
            self._put(0, v.LookedUp(asked.task_id))
        else:
            self.reuse.look_up(asked)

    def _append(self, record: Record, must_be_told: bool = False) -> None:
        """`must_be_told`: the task does not begin before this is in the store, as it does not before what it follows
        is."""
        self._journaling.append(record)
        if isinstance(record, (TaskCreated, AttemptFinished)) or (isinstance(record, AttemptStarted) and must_be_told):
            self._untold[record.task_id] = self._flush_number + 1

    # ---- the end

    def _end_workers(self) -> None:
        """End every worker and wait until they are gone: first those without a task in an orderly way."""
        self._workers.close_starting()
        for number in self._workers.running():
            (self._workers.kill if number in self._workers.busy else self._workers.stop)(number)
        if not self._all_gone():
            for number in self._workers.running():
                self._workers.kill(number)
            self._all_gone()

    def _all_gone(self) -> bool:
        """Wait for the workers' ends, for `PATIENCE` at most; one that has started meanwhile is killed."""
        deadline = time.monotonic() + PATIENCE
        with suppress(queue.Empty):
            while time.monotonic() < deadline:
                number, item = self._next(deadline if any(self._workers.running()) else 0.0)
                if isinstance(item, Started):
                    self._workers.kill_late(number, item.worker)
                elif isinstance(item, Ended):
                    self._workers.forget(number)
        return not any(self._workers.running())


def _of_host(name: str, state: HostState) -> str:
    match state:
        case Away(reason):
            return f"the host `{name}` does not answer, and the run waits for it: {reason}"
        case GivenUp(reason):
            return f"the host `{name}` is given up, and what ran there is lost: {reason}"
        case _:
            return f"the host `{name}` answers again"
