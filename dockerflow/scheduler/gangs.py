"""Tasks that run at the same time and end as one.

- A gang begins when each of its tasks has a ready worker: they wait for each other, so one alone could wait for ever.
- All its tasks run on one host: one that has what they ask for together, and of those the one of which the most is free
  when the gang is to begin. It waits for room there, unless the host is given up, or loses it.
- It begins as soon as so many attempts fewer than `max_workers` run, and the host has the rest of what it asks for; a
  gang of more than `max_workers`, or of more cores than there are, begins when no other attempt runs. While it waits,
  its places are not given to others. One that asks for more memory than any host has cannot begin.
- When one of its tasks fails, the others are killed. Only when all have ended is it known what becomes of them: they
  all succeed, or they all run again or fail.

Pure, like the core, which calls it. Addresses are the loop's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dockerflow.flow.definition import Flow, Parallel
from dockerflow.flow.errors import place
from dockerflow.scheduler.capacity import Share, in_words
from dockerflow.scheduler.errors import RunError
from dockerflow.scheduler.rooms import Host, Room
from dockerflow.scheduler.state import End, Gang, Run, Task, Worker
from dockerflow.scheduler.values import Command, HostPlan, KillWorker, Plan, StepPlan
from dockerflow.store.records import Failure, Transition


def fault(plan: Plan, step: StepPlan, transition: Transition | None) -> Failure | None:
    """Why a task of this step cannot be followed by the gang that it asks for, if it cannot."""
    size = (transition.size if transition else None) or 0
    (name,) = step.next
    if not 1 <= size <= plan.max_num_splits:
        message = f"the gang of `{name}` has {size:,} tasks; there may be 1 to {plan.max_num_splits:,}"
        return Failure("exception", message, hint="ask for fewer with `num_parallel`")
    return _too_much(plan, name, size)


def _too_much(plan: Plan, name: str, size: int) -> Failure | None:
    """Why no host has what so many tasks of the step ask for together, if none has."""
    asked = plan.steps[name].share
    hosts = [plan.hosts[each] for each in plan.steps[name].hosts or plan.hosts if each in plan.hosts]
    each, there = asked.memory, max(host.capacity.memory for host in hosts)
    if size * each > there:
        message = f"the gang of `{name}` has {size:,} tasks of {each:,} MiB of memory each, and "
        message += _most(hosts, f"{there:,} MiB")
        return Failure("exception", message, hint="ask for less with `@resources(memory=…)`, or for fewer tasks")
    gpus, there = asked.gpus, max(host.capacity.gpus for host in hosts)
    if size * gpus > there:
        message = f"the gang of `{name}` has {size:,} tasks of {in_words(gpus)} each, and {_most(hosts, str(there))}"
        return Failure("exception", message, hint="ask for fewer with `@resources(gpu=…)`, or for fewer tasks")
    if not any(size * each <= host.capacity.memory and size * gpus <= host.capacity.gpus for host in hosts):
        message = f"the gang of `{name}` has {size:,} tasks of {each:,} MiB of memory and {in_words(gpus)} each, and "
        message += "no host has both for all of them"
        return Failure("exception", message, hint="ask for less with `@resources`, or for fewer tasks")
    return None


def _most(hosts: list[HostPlan], there: str) -> str:
    return f"the host has {there}" if len(hosts) == 1 else f"no host has more than {there}"


def require_network(flow: Flow, network: str) -> None:
    """Raise RunError where containers of a gang could not reach each other."""
    gang = next((step for step in flow.steps.values() if step.decorator(Parallel)), None)
    if gang is not None and network == "none":
        where = f"step `{gang.name}` ({place(gang.file, gang.line)})"
        raise RunError(
            f"the tasks of {where} are a gang, and containers have no network: `network` is `none`",
            "set `network` to `bridge` in the configuration, or `DOCKERFLOW_NETWORK=bridge` for one run",
        )


def with_its_gang(task: Task) -> list[Task]:
    return [task] if task.gang is None else task.gang.tasks


def number(task: Task) -> int:
    """Of a gang's task among them all."""
    return task.place.splits[-1].branch


# ---- how it begins


def is_next(run: Run, step: str) -> bool:
    """Whether the oldest queued task of the step is one of a gang: then all are."""
    return run.queued[step][0].gang is not None


def queued(run: Run) -> list[str]:
    """The steps of gangs that are queued, the oldest first."""
    found = [step for step in run.gang_steps if step in run.queued] if run.gang_steps else []
    return found if len(found) < 2 else [step for step in run.queued if step in found]


def cannot_begin(run: Run) -> Iterator[tuple[str, Failure]]:
    """The steps of queued gangs for which no host is left that has what all tasks ask for, and why."""
    for step in queued(run):
        gang = run.queued[step][0].gang
        if gang is not None and not _whole(run, gang):
            too_much = _too_much(run.plan, step, len(gang.tasks))  # in a run that resumes one on other hosts
            yield step, too_much or run.hosts.why_none(step, run.hosts.for_all(step, _asked(run, gang)))


def ready(run: Run) -> list[Worker] | None:
    """The workers for the tasks of the oldest gang, if it can begin."""
    gang = _oldest(run)
    if gang is None or run.busy + len(gang.tasks) > max(run.plan.max_workers, len(gang.tasks)):
        return None
    host = _host(run, gang)
    if host.busy + len(gang.tasks) > max(host.plan.max_workers, len(gang.tasks)):
        return None
    if host.busy and not _share(run, gang, host).fits(host.room().free):
        return None
    idle = _workers(run, gang.tasks[0].step, host, "idle")
    return idle[: len(gang.tasks)] if len(idle) >= len(gang.tasks) else None


def lacking(run: Run, step: str) -> tuple[str, int]:
    """How many workers are still to be started for a gang that is queued, and where."""
    gang = run.queued[step][0].gang
    if gang is None:
        return "", 0
    host = _host(run, gang)
    return host.name, max(0, len(gang.tasks) - len(_workers(run, step, host, "idle", "starting")))


def limit_for_others(run: Run) -> int:
    """How many attempts may run, beside a gang that waits."""
    gang = _oldest(run)
    return run.plan.max_workers - (0 if gang is None else min(len(gang.tasks), run.plan.max_workers))


def rooms_for_others(run: Run) -> dict[str, Room]:
    """What of each host is free, beside a gang that waits."""
    rooms = {name: host.room() for name, host in run.hosts.there.items() if host.away is None}
    gang = _oldest(run)
    if gang is not None:
        host = _host(run, gang)
        rooms[host.name].free -= _share(run, gang, host)
        rooms[host.name].places -= min(len(gang.tasks), host.plan.max_workers)
    return rooms


def lost(gang: Gang) -> None:
    """It is to begin on another host, if there is one."""
    gang.avoid, gang.host = gang.host, ""


def _oldest(run: Run) -> Gang | None:
    waiting = queued(run)
    return run.queued[waiting[0]][0].gang if waiting else None


def _host(run: Run, gang: Gang) -> Host:
    """The one on which it runs, chosen when it is first asked for, and anew when that is not usable any more."""
    hosts = _whole(run, gang)
    if gang.host not in [host.name for host in hosts]:
        gang.host = min(hosts, key=lambda host: _unfit(run, gang, host)).name
    return run.hosts.there[gang.host]


def _whole(run: Run, gang: Gang) -> list[Host]:
    """The usable hosts that have what its tasks ask for together. There is one: see `cannot_begin`."""
    step, asked = run.plan.workers(gang.tasks[0].step), _asked(run, gang)
    able = run.hosts.for_all(step, asked)
    return [host for host in run.hosts.usable(step) if host in able]


def _unfit(run: Run, gang: Gang, host: Host) -> tuple[bool, bool, float]:
    """The less of it, the better does the gang go there."""
    too_much = _asked(run, gang).cores > host.plan.capacity.cores or len(gang.tasks) > host.plan.max_workers
    return host.name == gang.avoid, too_much, host.room().load(_share(run, gang, host), len(gang.tasks))


def _asked(run: Run, gang: Gang) -> Share:
    return run.plan.steps[gang.tasks[0].step].share.times(len(gang.tasks))


def _share(run: Run, gang: Gang, host: Host) -> Share:
    """What it takes of the host."""
    return run.plan.share(gang.tasks[0].step, host.name).times(len(gang.tasks))


def _workers(run: Run, step: str, host: Host, *states: str) -> list[Worker]:
    workers = run.workers.values()
    return [each for each in workers if each.step == step and each.host == host.name and each.state in states]


# ---- how it ends


def member_ended(run: Run, gang: Gang, end: End) -> Iterator[Command]:
    """Note the end of one of its attempts; after a failure the others have to end too."""
    gang.ends.append(end)
    if end.result.ok:
        return
    for worker in run.workers.values():
        if worker.state == "busy" and worker.task is not None and worker.task.gang is gang and not worker.killed:
            worker.killed = True
            yield KillWorker(worker.number)


def is_over(gang: Gang) -> bool:
    return len(gang.ends) == len(gang.tasks)


def verdict(gang: Gang) -> list[End]:
    """The ends of all attempts, in the order of the tasks. The gang is then ready for another attempt."""
    ends, gang.ends = gang.ends, []
    failed = [end for end in ends if not end.result.ok]
    if failed:
        first = failed[0]
        ends = [first, *(_because_of(first, end) for end in ends if end is not first)]
    return sorted(ends, key=lambda end: number(end.task))


def _because_of(first: End, end: End) -> End:
    """The end of a task whose gang failed: its own failure, unless it had none or was killed."""
    failure = end.result.failure
    if not end.result.ok and failure is not None and failure.kind not in ("lost", "signal"):
        return end
    message = f"ended because task {first.task.step}/{first.task.task_id} of its gang failed"
    ended = Failure("gang", message, hint="the tasks of a gang succeed together or not at all")
    return replace(end, result=replace(end.result, ok=False, failure=ended))


def culprit(failed: list[End]) -> End:
    """The one whose failure is the reason."""
    return next((end for end in failed if not end.result.failure or end.result.failure.kind != "gang"), failed[0])


def unsettled(run: Run) -> Iterator[End]:
    """What has ended of gangs that have not."""
    gangs = {id(task.gang): task.gang for task in run.tasks.values() if task.gang is not None}
    for gang in gangs.values():
        yield from gang.ends
