"""The decorators a user writes on steps and flows; more of them are in `task_decorators`.

A decorator only notes what was written and where: importing a flow file never fails because of a decorator's
options. They are judged when the flow is read (`decorator_values`), together with everything else that is wrong. The
decorated function or class is returned as it is, so decorators may stand in any order around `@step`.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any, Callable, Dict, List, Sequence, Tuple

from dockerflow.flow.errors import FlowError, place
from dockerflow.lazy_dataclasses import dataclass

__all__ = [
    "Written",
    "catch",
    "conda",
    "conda_base",
    "image",
    "parallel",
    "pypi",
    "pypi_base",
    "resources",
    "retry",
    "step",
    "written_on",
]

_STEP = "__dockerflow_step__"
_DECORATORS = "__dockerflow_decorators__"


@dataclass(frozen=True)
class Written:
    """One decorator as it stands in the source."""

    name: str
    arguments: Tuple[Any, ...]
    options: Dict[str, Any]
    file: str
    line: int


def step(function: Any = None, **options: Any) -> Any:
    """Make a method of a `FlowSpec` a step of the flow."""
    caller = sys._getframe(1)

    def mark(target: Any) -> Any:
        if isinstance(getattr(target, "decorator_name", None), str):
            hint = "`@step` comes first: put it directly above the method"
            raise FlowError(f"{_place(caller)}: `@step` stands above `@{type(target).__name__}`", hint)
        if not callable(target) or isinstance(target, type):
            raise FlowError(f"{_place(caller)}: `@step` stands on `{target!r}`, which is no method")
        setattr(target, _STEP, True)
        return _note(target, Written("step", (), options, *_position(caller))) if options else target

    return mark if function is None else mark(function)


def conda(*arguments: Any, **options: Any) -> Any:
    """The libraries a step needs.

    `libraries` (or `packages`): a dictionary from conda package to version, `python`: the version of Python,
    `channels`: channels to look in before the configured ones, `file`: an `environment.yml` with all that, `lock`: a
    conda-lock file instead of all that, `disabled`: run without any of it.
    """
    return noted("conda", arguments, options)


def conda_base(*arguments: Any, **options: Any) -> Any:
    """The libraries every step of a flow needs, with the options of `@conda`, which a step's own `@conda` overrides."""
    return noted("conda_base", arguments, options)


def pypi(*arguments: Any, **options: Any) -> Any:
    """The Python packages that a step needs from a package index.

    `packages`: a dictionary from package to version, `python`: the version of Python, `file`: a `requirements.txt` or
    a `pyproject.toml`, `extras`: which optional dependencies of a `pyproject.toml`, `disabled`: run without any of it.
    """
    return noted("pypi", arguments, options)


def pypi_base(*arguments: Any, **options: Any) -> Any:
    """The Python packages every step of a flow needs, with the options of `@pypi`, which a step's own overrides."""
    return noted("pypi_base", arguments, options)


def image(*arguments: Any, **options: Any) -> Any:
    """Run a step in an image of one's own, with a Python of 3.7 or later in it: `@image("name:tag")`."""
    return noted("image", arguments, options)


def retry(*arguments: Any, **options: Any) -> Any:
    """Run a failed task again: `times` more attempts, `minutes_between_retries` apart."""
    return noted("retry", arguments, options)


def catch(*arguments: Any, **options: Any) -> Any:
    """Let the flow go on when a task fails for good.

    `var` names the artifact that then holds what went wrong (and None when nothing did); `print_exception`: whether
    the traceback is printed.
    """
    return noted("catch", arguments, options)


def resources(*arguments: Any, **options: Any) -> Any:
    """What a task of the step may use: `cpu` in cores, `gpu` in pieces, `memory` and `shared_memory` in MiB."""
    return noted("resources", arguments, options)


def parallel(*arguments: Any, **options: Any) -> Any:
    """Run a step's tasks as one gang: `self.next(self.this_step, num_parallel=4)` starts 4 of them at the same time,
    each of which can reach the others; see `current.parallel`.
    """
    return noted("parallel", arguments, options)


def is_step(function: Any) -> bool:
    return callable(function) and not isinstance(function, type) and getattr(function, _STEP, False) is True


def written_on(target: Any) -> List[Written]:
    """The decorators that stand on a function, or on this very class, in the order of their lines."""
    found = vars(target).get(_DECORATORS, ()) if hasattr(target, "__dict__") else ()
    return sorted(found, key=lambda written: (written.file, written.line))


def write_on(target: Any, decorators: Sequence[Written], set: Callable[[Any, str, Any], None] = setattr) -> None:
    """Let these be the decorators that stand on a function or class."""
    set(target, _DECORATORS, tuple(decorators))


def noted(name: str, arguments: Tuple[Any, ...], options: Dict[str, Any]) -> Any:
    """Both forms of a decorator: `@retry`, called with what it stands on, and `@retry(times=2)`, called before that.

    For the functions that are decorators: where they are called is where the decorator stands.
    """
    caller = sys._getframe(2)
    bare = len(arguments) == 1 and not options and callable(arguments[0])
    written = Written(name, () if bare else arguments, options, *_position(caller))
    apply: Callable[[Any], Any] = lambda target: _note(target, written)  # noqa: E731 - it has no better name
    return apply(arguments[0]) if bare else apply


def _note(target: Any, written: Written) -> Any:
    try:
        own = vars(target).get(_DECORATORS, ())
        setattr(target, _DECORATORS, (*own, written))
    except (AttributeError, TypeError):
        message = f"{place(written.file, written.line)}: `@{written.name}` stands on `{target!r}`, which is no method"
        raise FlowError(message, "put it directly above a method that has `@step`") from None
    return target


def _position(frame: FrameType) -> Tuple[str, int]:
    return frame.f_code.co_filename, frame.f_lineno


def _place(frame: FrameType) -> str:
    return place(*_position(frame))
