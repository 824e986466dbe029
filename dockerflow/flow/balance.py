"""Whether every split is joined and every join joins one split.

Each step stands on a stack of splits that are open there: (the step that splits, the branch taken). A split or a
foreach puts one on the stack; a join takes one off, and must be reached once by every branch of that split and by
nothing else.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from typing import Dict, Iterable, Iterator, List, Optional, Tuple

from dockerflow.flow.definition import Flow, Problem, Step

__all__ = ["balance_problems"]

Stack = Tuple[Tuple[str, str], ...]


def balance_problems(flow: Flow) -> List[Problem]:
    """The problems with splits and joins of a flow whose steps are all known and reachable and in no circle."""
    found: List[Problem] = []
    before = flow.preceding()
    stacks: Dict[str, Optional[Stack]] = {"start": ()}  # None: not to be said because of another problem
    for step in _in_order(flow):
        if step.name != "start":
            stacks[step.name] = _stack(flow, step, before[step.name], stacks, found)
    end = stacks.get("end")
    if end:
        splits = " and ".join(f"`{split}`" for split, _ in end)
        step = flow.steps["end"]
        message = f"step `end` is reached before the split at {splits} is joined"
        found.append(Problem(step.file, step.line, message, "add a step with `inputs` that all its branches lead to"))
    return found


def _in_order(flow: Flow) -> Iterator[Step]:
    """The steps, each after all that precede it."""
    missing = {name: len(before) for name, before in flow.preceding().items()}
    ready = [name for name, count in missing.items() if count == 0]
    while ready:
        step = flow.steps[ready.pop(0)]
        yield step
        for name in step.next:
            missing[name] -= 1
            if missing[name] == 0:
                ready.append(name)


def _stack(
    flow: Flow, step: Step, before: Tuple[str, ...], stacks: Dict[str, Optional[Stack]], found: List[Problem]
) -> Optional[Stack]:
    """The stack of one step, None if it has none; what is wrong goes to `found`."""
    arriving = [_after(flow.steps[name], step.name, stacks[name]) for name in before]
    known = [stack for stack in arriving if stack is not None]
    if len(known) < len(arriving):
        return None
    problem = _joins(flow, step, known, before) if step.join else _takes_one(step, before)
    if problem is None:
        return known[0][:-1] if step.join else known[0]
    found.append(Problem(step.file, step.line, *problem))
    return None


def _after(step: Step, target: str, stack: Optional[Stack]) -> Optional[Stack]:
    if stack is None:
        return None
    return (*stack, (step.name, target)) if step.split or step.foreach else stack


def _takes_one(step: Step, before: Tuple[str, ...]) -> Optional[Tuple[str, str]]:
    if len(before) < 2:
        return None
    message = f"{_names(before)} all lead to step `{step.name}`, which does not take `inputs`"
    return message, f"write `def {step.name}(self, inputs):` to join them"


def _joins(flow: Flow, step: Step, stacks: List[Stack], before: Tuple[str, ...]) -> Optional[Tuple[str, str]]:
    at_once = [name for name in before if flow.steps[name].foreach or flow.steps[name].split]
    if at_once:
        return f"step `{step.name}` joins the split at `{at_once[0]}` at once", "put a step between the two"
    if not all(stacks):
        return f"step `{step.name}` takes `inputs`, but no split comes before it", f"write `def {step.name}(self):`"
    if len({(stack[:-1], stack[-1][0]) for stack in stacks}) > 1:
        splits = _names(dict.fromkeys(stack[-1][0] for stack in stacks))
        return f"step `{step.name}` joins branches of different splits, those at {splits}", "join each split on its own"
    split = flow.steps[stacks[0][-1][0]]
    taken = [stack[-1][1] for stack in stacks]
    missing = [name for name in split.next if name not in taken]
    if missing:
        message = f"step `{step.name}` joins the split at `{split.name}` without its branch {_names(missing)}"
        return message, "let every branch of the split lead to the same join"
    return None


def _names(names: Iterable[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return " and ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))
