"""A task of a step with `@cache`, when it is known whether an earlier run has left a result for it.

Until then the task is in no journal and in no queue. With a result it is taken over, like one of a run that is resumed,
but what follows is not: it is created, and maybe looked up itself. Without one it is queued, as any other is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dockerflow.scheduler.following import created, follow
from dockerflow.scheduler.resumed import fits, with_result
from dockerflow.scheduler.state import Run
from dockerflow.scheduler.values import Command, LookedUp, Write

__all__ = ["answered"]


def answered(run: Run, event: LookedUp, now: float) -> Iterator[Command]:
    """What `LookUp` asked for has been looked up."""
    task = run.tasks[event.task_id]
    record, found = created(task, now), event.result
    if found is None or not fits(run, found.transition, run.plan.steps[task.step]):
        yield Write(record)
        run.queue(task)
        return
    run.forget(task)
    yield with_result(replace(record, origin_run_id=event.run_id), found)
    if not run.failure:
        yield from follow(run, task, found.manifest, found.transition, now)
