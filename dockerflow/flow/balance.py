"""Whether every split is joined and every join joins one split.

Each step stands on a stack of splits that are open there: (the step that splits, the branch taken). A split, a foreach
or a gang puts one on the stack; a join takes one off, and must be reached by every branch of that split and by nothing
else. A switch leaves the stack as it is. So several ways may lead to a step, those that a switch chooses among, but
all must come by the same branches of splits with the same branches.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from typing import Dict, FrozenSet, Iterable, Iterator, List, Optional, Tuple

from dockerflow.flow.definition import Flow, Problem, Step

__all__ = ["balance_problems", "matching_joins"]

Stack = Tuple[Tuple[str, str], ...]

# What two ways to a step must have in common: for each open split its branches, and the one taken.
Shape = Tuple[Tuple[FrozenSet[str], str], ...]


def balance_problems(flow: Flow) -> List[Problem]:
    """The problems with splits and joins of a flow whose steps are all known and reachable and in no circle."""
    found: List[Problem] = []
    end = _stacks(flow, found).get(flow.end)
    if end:
        splits = " and ".join(f"`{split}`" for split, _ in end)
        step = flow.steps[flow.end]
        message = f"step `{step.name}` is reached before the split at {splits} is joined"
        found.append(Problem(step.file, step.line, message, "add a step with `inputs` that all its branches lead to"))
    return found


def matching_joins(flow: Flow) -> Dict[str, str]:
    """For each step that splits, in a flow without problems, the join where its branches come together."""
    before, stacks = _preceding(flow), _stacks(flow, [])
    found: Dict[str, str] = {}
    for step in flow.steps.values():
        for name in before[step.name] if step.join else ():
            stack = stacks.get(name)
            if stack:
                found[stack[-1][0]] = step.name
    return found


def _stacks(flow: Flow, found: List[Problem]) -> Dict[str, Optional[Stack]]:
    """By step; None where nothing is to be said because of another problem. What is wrong goes to `found`."""
    before = _preceding(flow)
    stacks: Dict[str, Optional[Stack]] = {flow.start: ()}
    for step in _in_order(flow, before):
        if step.name != flow.start:
            stacks[step.name] = _stack(flow, step, before[step.name], stacks, found)
    return stacks


def _preceding(flow: Flow) -> Dict[str, Tuple[str, ...]]:
    """The other steps that lead to each step."""
    return {name: tuple(each for each in before if each != name) for name, before in flow.preceding().items()}


def _in_order(flow: Flow, before: Dict[str, Tuple[str, ...]]) -> Iterator[Step]:
    """The steps, each after all that precede it."""
    missing = {name: len(names) for name, names in before.items()}
    ready = [name for name, count in missing.items() if count == 0]
    while ready:
        step = flow.steps[ready.pop(0)]
        yield step
        for name in step.next:
            if name == step.name:
                continue
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
    problem = _joins(flow, step, known, before) if step.join else _comes_by_one(flow, step, known, before)
    if problem is None:
        return known[0][:-1] if step.join else known[0]
    found.append(Problem(step.file, step.line, *problem))
    return None


def _after(step: Step, target: str, stack: Optional[Stack]) -> Optional[Stack]:
    return (*stack, (step.name, target)) if stack is not None and _opens(step) else stack


def _opens(step: Step) -> bool:
    return step.split or step.foreach is not None or step.gang


def _shape(flow: Flow, stack: Stack) -> Shape:
    return tuple((frozenset(flow.steps[split].next), branch) for split, branch in stack)


def _comes_by_one(
    flow: Flow, step: Step, stacks: List[Stack], before: Tuple[str, ...]
) -> Optional[Tuple[str, Optional[str]]]:
    if len({_shape(flow, stack) for stack in stacks}) < 2:
        return None
    if len({tuple(split for split, _ in stack) for stack in stacks}) < 2:
        message = f"{_names(before)} lead to step `{step.name}`, which does not take `inputs`"
        if step.name == flow.end:  # which cannot be a join
            return message, f"let a step `def join(self, inputs):` join them, and be followed by `{step.name}`"
        return message, f"write `def {step.name}(self, inputs):` to join them"
    ways = "; ".join(f"by `{name}` {_inside(stack)}" for name, stack in zip(before, stacks))
    return f"step `{step.name}` is reached inside of different splits: {ways}", "join each split before they meet"


def _inside(stack: Stack) -> str:
    return f"inside of the split at {_names(split for split, _ in stack)}" if stack else "outside of any"


def _joins(flow: Flow, step: Step, stacks: List[Stack], before: Tuple[str, ...]) -> Optional[Tuple[str, Optional[str]]]:
    at_once = [name for name in before if _opens(flow.steps[name])]
    if at_once:
        return f"step `{step.name}` joins the split at `{at_once[0]}` at once", "put a step between the two"
    if not all(stacks):
        return f"step `{step.name}` takes `inputs`, but no split comes before it", f"write `def {step.name}(self):`"
    splits = [flow.steps[stack[-1][0]] for stack in stacks]
    if len({(_shape(flow, stack[:-1]), frozenset(split.next)) for stack, split in zip(stacks, splits)}) > 1:
        names = _names(dict.fromkeys(split.name for split in splits))
        return f"step `{step.name}` joins branches of different splits, those at {names}", "join each split on its own"
    taken = [stack[-1][1] for stack in stacks]
    missing = [name for name in splits[0].next if name not in taken]
    if missing:
        message = f"step `{step.name}` joins the split at `{splits[0].name}` without its branch {_names(missing)}"
        return message, "let every branch of the split lead to the same join"
    return None


def _names(names: Iterable[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return " and ".join(filter(None, [", ".join(quoted[:-1]), quoted[-1]]))
