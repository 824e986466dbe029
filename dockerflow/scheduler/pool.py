"""Which worker does what: tasks to workers of their step, and which workers end.

- A step's tasks go to workers of that step, one at a time each, oldest first; those of a gang all at once. Steps whose
  containers would be the same have their workers in common. These go by the name of the first of the steps, and what is
  said of a step's workers and tasks here and in `staffing` is said of all of them (`Plan.workers`).
- At most `max_workers` attempts run at once, and on no host more than it may have or has memory and cores for, as far
  as their steps ask for some. Of the hosts with an idle worker, a task goes to that of which the most is free.
- What waits for memory or cores on every host is not passed by: they are kept for it where it lacks the least, and
  others get what it leaves over.
- A task that was lost goes to another host than the one that lost it, if one has room.
- The workers of a step end when no task can reach it any more, and but for one when only single tasks can.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping
from itertools import islice

from dockerflow.runtime.messages import Gang, RunTask
from dockerflow.scheduler import gangs
from dockerflow.scheduler.rooms import Room, emptiest, of
from dockerflow.scheduler.state import Run, Task, Worker
from dockerflow.scheduler.values import Adopt, Assign, Command, Running, StopWorker, Write
from dockerflow.store.records import AttemptStarted

# So many queued tasks of a step are looked at for one that may go to a host which has lost others.
OLDEST = 16

Idle = Mapping[tuple[str, str], deque[Worker]]  # by step and host


def assign(run: Run, now: float) -> Iterator[Command]:
    while (workers := gangs.ready(run)) is not None:
        for worker in workers:
            yield from _assign(run, worker, 0, workers[0].number, now)
    idle = [worker for worker in run.workers.values() if worker.state == "idle" and has_tasks(run, worker.step)]
    if not idle:
        return
    most, rooms = gangs.limit_for_others(run), gangs.rooms_for_others(run)
    _keep_room(run, rooms)
    waiting: Idle = defaultdict(deque)
    for worker in idle:
        waiting[worker.step, worker.host].append(worker)
    for step in sorted((worker.step for worker in idle), key=lambda step: step != run.kept_for):
        if run.busy < most and step in run.queued and (room := _room_for_next(run, step, waiting, rooms)) is not None:
            host = room.host.name
            number = _number_for(run, step, host, rooms)
            room.give(step, run.plan.share(step, host))
            yield from _assign(run, waiting[step, host].popleft(), number or 0, None, now)


def has_tasks(run: Run, step: str) -> bool:
    """Whether a worker of the step can have one for itself."""
    return step in run.queued and not gangs.is_next(run, step)


def _room_for_next(run: Run, step: str, idle: Idle, rooms: dict[str, Room]) -> Room | None:
    """Where a worker waits for a task of the step, and can have one."""
    able = [
        room
        for room in of(rooms, run.hosts.usable(step))
        if (step, room.host.name) in idle
        and idle[step, room.host.name]
        and room.takes(step, run.plan.share(step, room.host.name))
        and _number_for(run, step, room.host.name, rooms) is not None
    ]
    return emptiest(run.plan, step, able) if able else None


def _number_for(run: Run, step: str, host: str, rooms: dict[str, Room]) -> int | None:
    """Which of the queued tasks may go there, if any: not one that was lost there, as long as others have room."""
    if (step, host) not in run.avoiding or not _another_has_room(run, step, host, rooms):
        return 0
    oldest = enumerate(islice(run.queued[step], OLDEST))
    return next((number for number, task in oldest if task.avoid != host), None)


def _another_has_room(run: Run, step: str, host: str, rooms: dict[str, Room]) -> bool:
    others = (room for room in of(rooms, run.hosts.usable(step)) if room.host.name != host)
    return any(room.takes(step, run.plan.share(step, room.host.name)) for room in others)


def _keep_room(run: Run, rooms: dict[str, Room]) -> None:
    """For the first step that waits for more of it than there is, until one of its tasks begins: small tasks would
    otherwise pass by a large one for ever.

    What it lacks on the host on which it is kept never gets more, and it is kept on another only where it lacks less:
    so it begins some day.
    """
    if run.kept_for is None or not has_tasks(run, run.kept_for):
        run.kept_for = next(
            (step for step in islice(run.queued, run.plan.max_workers) if _waits(run, step, rooms)), None
        )
    step = run.kept_for
    if step is None:
        return

    def unfit(room: Room) -> tuple[float, bool, bool]:
        lacks = room.lacks(run.plan.share(step, room.host.name))
        return lacks, room.places <= 0, room.host.name != run.kept_on

    room = min(of(rooms, run.hosts.usable(step)), key=unfit)
    run.kept_on = room.host.name
    room.keep(step, run.plan.share(step, room.host.name))


def _waits(run: Run, step: str, rooms: dict[str, Room]) -> bool:
    fits = any(run.plan.share(step, host.name).fits(rooms[host.name].free) for host in run.hosts.usable(step))
    return not fits and has_tasks(run, step)


def _assign(run: Run, worker: Worker, number: int, control: int | None, now: float) -> Iterator[Command]:
    task = run.take(worker.step, number)
    if worker.step == run.kept_for:
        run.kept_for = None
    yield _begin(run, worker, task, now)
    yield Assign(worker.number, _message(run, task), control)


def _begin(run: Run, worker: Worker, task: Task, now: float) -> Write:
    run.occupy(worker, task)
    task.began, task.failed, task.avoid = now, None, ""
    return Write(AttemptStarted(now, task.step, task.task_id, task.attempt, container=str(worker.number)))


def adopt(run: Run, task: Task, running: Running, now: float) -> Iterator[Command]:
    """The attempt goes on as the task's first. Its worker has no other."""
    run.worker_count += 1
    worker = Worker(run.worker_count, run.plan.workers(task.step), running.host, adopted=True)
    run.workers[worker.number] = worker
    task.adopted = True
    yield _begin(run, worker, task, now)
    yield Adopt(worker.number, _message(run, task), running)


def stop_idle(run: Run) -> Iterator[Command]:
    """End the workers of steps that will have no task any more, or fewer at once than there are workers for: first
    those on hosts where there is no room for one."""
    there = Counter(worker.step for worker in run.workers.values() if worker.state != "ending")
    surplus = {step: count - wanted for step, count in there.items() if (wanted := _wanted(run, step, count)) < count}
    if not surplus:
        return
    free = [each for each in run.workers.values() if each.state in ("idle", "starting") and each.step in surplus]
    for worker in sorted(free, key=lambda worker: _has_room(run, worker)):
        if surplus[worker.step]:
            surplus[worker.step] -= 1
            worker.state = "ending"
    yield from (StopWorker(worker.number) for worker in free if worker.state == "ending")


def _wanted(run: Run, step: str, most: int) -> int:
    return 0 if run.failure else run.reach.at_once(step, most)


def _has_room(run: Run, worker: Worker) -> bool:
    if worker.step == run.kept_for:
        return worker.host == run.kept_on
    return run.hosts.there[worker.host].room().takes(worker.step, run.plan.share(worker.step, worker.host))


def _message(run: Run, task: Task) -> RunTask:
    plan, step = run.plan, run.plan.steps[task.step]
    return RunTask(
        flow=plan.flow,
        run_id=plan.run_id,
        step=task.step,
        task_id=task.task_id,
        attempt=task.attempt,
        last_attempt=task.retries >= step.retries,
        parameters=plan.parameters,
        inputs=task.inputs,
        foreach=task.place.foreach,
        fallback=task.fallback,
        user=plan.user,
        namespace=plan.namespace,
        tags=plan.tags,
        origin_run_id=plan.origin_run_id,
        time_limit=step.time_limit,
        secrets=step.secrets,
        project=plan.project,
        gang=_gang(task),
    )


def _gang(task: Task) -> Gang | None:
    """Where the first of them can be reached is not known here: see `values.Assign`."""
    if task.gang is None:
        return None
    tasks = task.gang.tasks
    return Gang(gangs.number(task), len(tasks), tasks[0].task_id, address="")
