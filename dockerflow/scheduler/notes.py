"""What a flow asks for and a run here does not do, in a line each, to be said once when the run begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from dockerflow.flow.definition import Cache, Elsewhere, Flow, Local, Remote, Resources, Step
from dockerflow.host_settings import LOCAL

__all__ = ["notes"]


def notes(
    flow: Flow, places: Mapping[str, Sequence[str]] = MappingProxyType({}), containers: bool = True
) -> Iterator[str]:
    """`places` has the hosts of each step, as `placing.places` finds them; a step that it does not have runs here."""
    cached = [step.name for step in flow.steps.values() if step.decorator(Cache)] if not containers else []
    if cached:
        yield f"`@cache` of {_steps(cached, '')}: no image says what is in this Python, so no result is reused or kept"
    if flow.ignored:
        yield f"{_named('@', flow.ignored)}: not for runs that a person starts, and ignored"
    marked = [(step.name, mark) for step in flow.steps.values() if (mark := step.decorator(Elsewhere)) is not None]
    yield from _elsewhere(flow, places)
    for name, mark in marked:
        if mark.passed_over is not None:
            why = f"step `{name}` has libraries or an image"
            yield f"the image `{mark.passed_over}` of `@{mark.word}` is not used: {why}"
    sized = [step.name for step in flow.steps.values() if (step.decorator(Resources) or Resources()).disk is not None]
    if sized:
        yield f"`disk` of {_steps(sized, '')}: Docker sets no limit to it, so all of the disk can be used"


def _elsewhere(flow: Flow, places: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Where the steps run that ask for another machine without naming it: a line for each of the places."""
    found: dict[tuple[str, ...], list[Step]] = {}
    for step in flow.steps.values():
        if step.decorator(Elsewhere) is not None and not step.decorator(Remote) and not step.decorator(Local):
            found.setdefault(tuple(places.get(step.name, (LOCAL,))), []).append(step)
    for hosts, steps in found.items():
        words = tuple(dict.fromkeys(mark.word for step in steps if (mark := step.decorator(Elsewhere)) is not None))
        which = _steps([step.name for step in steps])
        where = "here" if hosts == (LOCAL,) else f"on {' or '.join(f'`{host}`' for host in hosts)}"
        yield f"{_named('@', words)}: {which} {where}; resources and image count, what is for a cluster is ignored"


def _named(mark: str, names: tuple[str, ...]) -> str:
    return ", ".join(f"`{mark}{name}`" for name in names)


def _steps(names: list[str], verb: str = " run") -> str:
    shown = ", ".join(f"`{name}`" for name in names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"step {shown}{verb and f'{verb}s'}" if len(names) == 1 else f"steps {shown}{verb}"
