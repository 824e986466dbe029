"""What a flow asks for and a run here does not do, in a line each, to be said once when the run begins."""

from __future__ import annotations

from collections.abc import Iterator

from dockerflow.flow.definition import Elsewhere, Flow, Resources

__all__ = ["notes"]


def notes(flow: Flow) -> Iterator[str]:
    if flow.ignored:
        yield f"{_named('@', flow.ignored)}: not for runs that a person starts, and ignored"
    marked = [(step.name, mark) for step in flow.steps.values() if (mark := step.decorator(Elsewhere)) is not None]
    if marked:
        words = tuple(dict.fromkeys(mark.word for _, mark in marked))
        steps = _steps([name for name, _ in marked])
        yield f"{_named('@', words)}: {steps} here; resources and image count, what is for a cluster is ignored"
    for name, mark in marked:
        if mark.passed_over is not None:
            why = f"step `{name}` has libraries or an image"
            yield f"the image `{mark.passed_over}` of `@{mark.word}` is not used: {why}"
    sized = [step.name for step in flow.steps.values() if (step.decorator(Resources) or Resources()).disk is not None]
    if sized:
        yield f"`disk` of {_steps(sized, '')}: Docker sets no limit to it, so all of the disk can be used"


def _named(mark: str, names: tuple[str, ...]) -> str:
    return ", ".join(f"`{mark}{name}`" for name in names)


def _steps(names: list[str], verb: str = " run") -> str:
    shown = ", ".join(f"`{name}`" for name in names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"step {shown}{verb and f'{verb}s'}" if len(names) == 1 else f"steps {shown}{verb}"
