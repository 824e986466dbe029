"""What a switch and a gang ask of the steps at both their ends. The rules are Metaflow's.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from typing import Iterator, Optional

from dockerflow.flow.definition import Cache, Flow, Parallel, Problem, Step

__all__ = ["gang_problems", "switch_problems"]


def switch_problems(flow: Flow) -> Iterator[Problem]:
    """A join waits for each of its branches, and a switch does not say which one comes."""
    for step in flow.steps.values():
        if step.condition is None:
            continue
        for name in step.next:
            if name in flow.steps and flow.steps[name].join:
                message = f"the switch of step `{step.name}` leads to the join `{name}` at once"
                yield _problem(step, message, "put a step between the two", step.next_line)
        if step.decorator(Parallel):
            hint = "choose in a step after the join"
            yield _problem(step, f"step `{step.name}` has `@parallel` and a switch", hint, step.next_line)


def gang_problems(flow: Flow) -> Iterator[Problem]:
    before = flow.preceding()
    for step in flow.steps.values():
        if step.gang:
            yield from _started_by(flow, step)
        if step.decorator(Parallel):
            if step.decorator(Cache):
                message = f"step `{step.name}` has `@cache` and `@parallel`: no task of a gang has a result of its own"
                yield _problem(step, message, "leave `@cache` out; the join that follows may have it")
            others = [flow.steps[name] for name in before[step.name] if not flow.steps[name].gang]
            for each in others[:1]:
                message = f"step `{step.name}` has `@parallel`, but step `{each.name}` starts no gang of it"
                yield _problem(step, message, f"write `self.next(self.{step.name}, num_parallel=...)` there")
            if step.condition is None:
                yield from _followed_by(flow, step)


def _started_by(flow: Flow, step: Step) -> Iterator[Problem]:
    for name in step.next:
        target = flow.steps.get(name)
        if target is not None and not target.decorator(Parallel):
            message = f"step `{step.name}` starts a gang of `{name}`, which has no `@parallel`"
            yield _problem(step, message, f"put `@parallel` on `{name}`", step.next_line)


def _followed_by(flow: Flow, step: Step) -> Iterator[Problem]:
    after = flow.steps.get(step.next[0]) if step.next else None
    if after is not None and not _is_join(flow, after):
        message = f"step `{step.name}` has `@parallel` and is followed by `{after.name}`, which is no join"
        yield _problem(step, message, f"write `def {after.name}(self, inputs):`", step.next_line)
    elif step.name == flow.end:
        message = f"step `{step.name}` has `@parallel` and is the last one"
        yield _problem(step, message, "a gang is followed by a join, with `inputs`")


def _is_join(flow: Flow, step: Step) -> bool:
    return step.join and step.name != flow.end


def _problem(step: Step, message: str, hint: Optional[str], line: int = 0) -> Problem:
    return Problem(step.file, line or step.line, message, hint)
