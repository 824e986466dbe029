"""Which workers are started: for what is queued, and some ahead of time.

- A worker is started where one is wanted: for each queued task that could begin if it were there, on the host to which
  the task would go (see `rooms`). One that is idle on a host without room is none for a task that another host could
  have.
- A step whose tasks wait for room has a worker that waits with them, where the room is kept, or on its only host.
- Where a worker has one task only, the next ones are on their way while all that may run do.
- When every queued task has a worker, others are started for the tasks that may follow: that hides their start-up.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import field
from itertools import islice

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.scheduler import gangs
from dockerflow.scheduler.capacity import Share
from dockerflow.scheduler.pool import has_tasks
from dockerflow.scheduler.rooms import Room, emptiest, of
from dockerflow.scheduler.state import Run, Worker
from dockerflow.scheduler.values import Command, StartWorker

# So many workers at most wait for their first task while it is still to come, in a linear flow for the next steps.
AHEAD = 2

# So many of the steps that may follow are looked at for that.
NEAREST = 16

# So many queued steps are looked at that have to wait for a host, while there are others that need not.
PASSED_OVER = 16


def start_workers(run: Run) -> Iterator[Command]:
    """Workers for what is queued; when each queued task has one, ahead of time for the steps that may follow.

    The loop ends where no attempt is left to give, so its length does not depend on how many steps are queued.
    """
    for step in gangs.queued(run):
        host, lacking = gangs.lacking(run, step)
        for _ in range(lacking):
            yield _start(run, step, host)
    yield from _start_where_room_is_kept(run)
    staffing = _Staffing.of(run)
    for step in run.queued:
        if not gangs.is_next(run, step):
            yield from staffing.start_for(step)
            if staffing.is_over():
                return
    if staffing.complete:
        yield from _start_ahead(run, staffing.rooms)


def _start_where_room_is_kept(run: Run) -> Iterator[Command]:
    """However many others there are: nobody else can have that room."""
    step, host = run.kept_for, run.kept_on
    if step is None or not has_tasks(run, step) or run.hosts.there[host] not in run.hosts.usable(step):
        return
    if not any(each.step == step and each.host == host and _can_go_on(run, each) for each in run.workers.values()):
        yield _start(run, run.queued[step][0].step, host)


@dataclass(frozen=True)
class _Workers:
    """How many there are for a step's tasks, by step and host; `steps` have some, be they busy."""

    starting: Counter[tuple[str, str]]
    idle: Counter[tuple[str, str]]
    steps: set[str]

    @classmethod
    def of(cls, run: Run) -> _Workers:
        starting, idle = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        steps = set[str]()
        for each in run.workers.values():
            if each.state == "starting":
                starting[each.step, each.host] += 1
            elif each.state == "idle":
                idle[each.step, each.host] += 1
            if each.state != "ending" and not each.adopted:
                steps.add(each.step)
        return cls(starting, idle, steps)


@dataclass
class _Staffing:
    """One round of it, step by step. `rooms` have what no task of the steps before will take.

    `left` is how many attempts may still begin, over all hosts; `full` are those that can have no other.
    """

    run: Run
    there: _Workers
    rooms: dict[str, Room]
    left: int
    full: set[str] = field(default_factory=set)
    passed_over: int = 0
    complete: bool = True  # every queued task so far has a worker

    @classmethod
    def of(cls, run: Run) -> _Staffing:
        """What waits only until a worker is ready that is starting has its place already."""
        there, rooms = _Workers.of(run), gangs.rooms_for_others(run)
        awaited: Counter[str] = Counter()
        for (step, host), count in there.starting.items():
            if has_tasks(run, step):
                awaited[step] += count
                rooms[host].places -= min(count, len(run.queued[step]))
        awaiting = sum(min(count, len(run.queued[step])) for step, count in awaited.items())
        return cls(run, there, rooms, gangs.limit_for_others(run) - run.busy - awaiting)

    def is_over(self) -> bool:
        return self.left < 0 or len(self.full) == len(self.rooms) or self.passed_over > PASSED_OVER

    def start_for(self, step: str) -> Iterator[Command]:
        usable = of(self.rooms, self.run.hosts.usable(step))
        if self.full and self.full.issuperset(room.host.name for room in usable):
            self.passed_over += 1
            self.complete = False
            return
        demand = _Demand(self.run, self.there, step, usable)
        self.left -= demand.coming - demand.starting
        demand.let_come()
        left = min(self.left, sum(room.places for room in usable))
        started = max(0, min(demand.wanted, max(left, demand.spare - demand.coming)))
        for _ in range(started):
            yield _start(self.run, self.run.queued[step][0].step, demand.give_place())
        self.left -= 0 if demand.waits else started
        self.passed_over += demand.waits and not started
        lacking = demand.unlimited > started
        self.full.update(room.host.name for room in usable if room.places < lacking)
        self.left -= lacking and self.left <= 0
        self.complete = self.complete and demand.coming + started == demand.queued


@dataclass
class _Site:
    """One host for a step's tasks."""

    room: Room
    share: Share
    coming: int  # workers that start or are idle
    starting: int  # of those that have a task to come
    fitting: int  # so many tasks have room
    able: int  # so many of them may begin, as soon as a worker is ready

    def come(self, count: int) -> None:
        """So many workers have their places."""
        self.coming -= count
        self.able -= count
        self.room.places -= count
        self.room.free -= self.share.times(count)


class _Demand:
    """Of a step's `queued` tasks. `coming` workers are there for them anyway, `starting` of these are not yet ready; so
    many others are `wanted`, and so many would be if hosts had places without limit. `spare` ones may be on their way
    for tasks that have to wait: those of other tasks end with them. It `waits` if no host has room, and no worker is
    there: one is wanted that waits with it on its only host, while of several it is not known which has room first.
    """

    def __init__(self, run: Run, there: _Workers, step: str, rooms: list[Room]) -> None:
        self._step = step
        self.queued = len(run.queued[step])
        self.spare = AHEAD if run.plan.steps[step].fresh_containers else 0
        self._sites = [self._site(run, there, room) for room in rooms]
        if run.avoiding:
            _send_elsewhere(run, step, self._sites)
        coming = starting = fitting = able = of_use = 0
        for site in self._sites:
            coming += site.coming
            starting += site.starting
            fitting += site.fitting
            able += site.able
            of_use += min(site.coming, site.able)
        self.waits = step not in there.steps and able <= 0
        first = 1 if self.waits and len(rooms) == 1 else 0
        of_use = min(self.queued, of_use)
        self.wanted = max(first, min(self.queued, able)) - of_use
        coming = min(self.queued, coming)
        self.coming = coming - min(self.wanted, coming - of_use)  # without those that have no room where they are
        self.starting = min(self.queued, starting)
        self.unlimited = max(self.waits, min(self.queued, fitting)) - self.coming

    def _site(self, run: Run, there: _Workers, room: Room) -> _Site:
        host = room.host.name
        share = run.plan.share(self._step, host)
        starting, idle = there.starting[self._step, host], there.idle[self._step, host]
        awaited = min(starting, self.queued)
        fitting = share.goes_into(room.free, self.queued)
        return _Site(
            room, share, starting + idle, awaited, fitting, min(fitting, max(room.places + awaited, self.spare))
        )

    def let_come(self) -> None:
        left = self.coming
        for site in self._sites:
            site.room.places += site.starting  # they had theirs
            count = min(left, site.coming, site.able)
            left -= count
            site.come(count)
        for site in self._sites if left else ():  # those that have no room where they are
            count = min(left, site.coming)
            left -= count
            site.come(count)

    def give_place(self) -> str:
        """The host on which the next worker is started: where it has room, if there is some."""
        able = [site for site in self._sites if site.able > 0]
        if able:
            site = min(able, key=lambda site: site.room.load(site.share))
        else:
            site = min(self._sites, key=lambda site: site.room.lacks(site.share))
        site.able -= 1
        site.room.give(self._step, site.share)
        return site.room.host.name


def _send_elsewhere(run: Run, step: str, sites: list[_Site]) -> None:
    """Tasks that avoid a host are not for it, as long as another can have one."""
    able = sum(site.able for site in sites)
    for site, alone in [(site, site.able) for site in sites]:
        avoiding = run.avoiding[step, site.room.host.name]
        if able > alone:
            site.able = min(alone, len(run.queued[step]) - avoiding)


# ---- ahead of time


def _start_ahead(run: Run, rooms: dict[str, Room]) -> Iterator[Command]:
    """For the nearest steps first, as long as few workers wait for a first task that is still to come: those that have
    had one are kept for steps further on, and are no reason not to start others."""
    there = Counter(worker.step for worker in run.workers.values() if _can_go_on(run, worker))
    waiting = sum(_awaits_its_first(worker) and worker.step not in run.queued for worker in run.workers.values())
    for step, most in islice(_expected(run), NEAREST):
        if run.plan.steps[step].looked_up:  # its tasks may have results already
            continue
        workers = run.plan.workers(step)
        usable = of(rooms, run.hosts.usable(workers))
        while waiting < AHEAD and usable and there[workers] < _of_use(run, workers, usable, most):
            there[workers] += 1
            waiting += 1
            room = emptiest(run.plan, workers, usable)
            room.give(workers, run.plan.share(workers, room.host.name))
            yield _start(run, step, room.host.name, ahead=True)
        if waiting >= AHEAD:
            return


def _of_use(run: Run, step: str, rooms: list[Room], most: int) -> int:
    """How many workers may have tasks at once, up to `most`."""
    most = min(most, run.plan.max_workers)
    plans = ((room.host.plan, run.plan.share(step, room.host.name)) for room in rooms)
    return max(1, min(most, sum(share.goes_into(plan.capacity, min(most, plan.max_workers)) for plan, share in plans)))


def _awaits_its_first(worker: Worker) -> bool:
    return worker.state in ("starting", "idle") and not worker.tried


def _can_go_on(run: Run, worker: Worker) -> bool:
    """Whether it can have a task after the one that it has, if it has one."""
    if worker.task is None:
        return worker.state != "ending"
    if worker.adopted or worker.killed or run.hosts.there[worker.host].away:
        return False
    return not run.plan.steps[worker.task.step].fresh_containers


def _expected(run: Run) -> Iterator[tuple[str, int]]:
    """The steps that may follow, the nearest first, each with how many workers of its kind can be of use by then.

    What follows directly may run side by side: the branches of a split, and of a foreach two tasks at least.
    """
    wanted: Counter[str] = Counter()
    for live in run.live:
        for follower in run.plan.steps[live].next:
            workers = run.plan.workers(follower)
            wanted[workers] += 2 if run.plan.steps[live].foreach else 1
            yield follower, wanted[workers]
    nearest = deque(follower for live in run.live for follower in run.plan.steps[live].next)
    seen = {*run.live, *nearest}
    while nearest:
        for follower in run.plan.steps[nearest.popleft()].next:
            if follower not in seen:
                seen.add(follower)
                nearest.append(follower)
                yield follower, 1


def _start(run: Run, step: str, host: str, ahead: bool = False) -> Command:
    run.worker_count += 1
    workers = run.plan.workers(step)
    failed = run.failed_starts[workers, host]
    run.workers[run.worker_count] = Worker(run.worker_count, workers, host, failed_before=failed)
    return StartWorker(run.worker_count, step, host, ahead)
