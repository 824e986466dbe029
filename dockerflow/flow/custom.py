"""Decorators that users write: around a step as it runs, and on steps and flows as they are read.

A class that is derived from one of these is the decorator: `@Mine` and `@Mine(option=1)` note an object of it on what
they stand on, and return that as it is. `completing` lets mutators change the flow when its file has been read;
`wrapping` runs step decorators around a step.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import inspect
import os
import sys
from typing import Any, Callable, Dict, List, Optional, Tuple, Type

from dockerflow.flow.decorators import is_step
from dockerflow.flow.errors import FlowError, place

__all__ = [
    "USER_SKIP_STEP",
    "Custom",
    "FlowMutator",
    "StepDecoratorBase",
    "StepMutator",
    "UserStepDecorator",
    "custom_on",
    "named",
    "note",
    "replace_custom",
    "short_name",
    "user_step_decorator",
    "users_position",
]

USER_SKIP_STEP: Dict[str, Any] = {}  # what a generator yields to leave the step out

_OWN = os.path.dirname(os.path.abspath(__file__))
_CUSTOM = "__dockerflow_custom__"
_every: Dict[str, Type[Custom]] = {}  # the classes by their full names, without those that others are derived from


class Custom:
    """What all of them have: the arguments they were written with, their place, and `init`, called with those."""

    decorator_name = ""  # `module.Class`
    statically_defined = True  # not with `--with`, and not by a mutator
    inserted_by: Optional[List[str]] = None  # the mutators that did, the nearest first
    _positional = True  # whether it takes arguments without a name

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)  # what others have put on the class
        cls.decorator_name = cls.__dict__.get("decorator_name", f"{cls.__module__}.{cls.__name__}")
        for base in cls.__bases__:
            _every.pop(getattr(base, "decorator_name", ""), None)
        if not cls.__module__.startswith("dockerflow.") and cls.__module__ != "__main__":
            # A script that calls its flow is read anew under its own name: as `__main__` it would be there twice.
            _every[cls.decorator_name] = cls

    def __new__(cls, *arguments: Any, **options: Any) -> Any:
        made = super().__new__(cls)
        file, line = users_position()
        vars(made).update(_file=file, _line=line, _args=arguments, _kwargs=options)
        if len(arguments) == 1 and not options and cls._is_target(arguments[0]):
            vars(made)["_args"] = ()
            made.__init__()  # type: ignore[misc]  # a user's own constructor takes no arguments here
            return note(arguments[0], made)
        return made

    def __init__(self, *arguments: Any, **options: Any) -> None:
        pass

    def __call__(self, target: Any) -> Any:
        if not self._is_target(target):
            what = getattr(target, "__name__", None) or repr(target)
            raise FlowError(f"{self._where()}: `@{type(self).__name__}` stands on `{what}`", self._belongs())
        return note(target, self)

    @classmethod
    def _is_target(cls, value: Any) -> bool:
        raise NotImplementedError

    @classmethod
    def _belongs(cls) -> str:
        return "put it above `@step`, which stands directly above the method"

    def _where(self) -> str:
        return place(vars(self)["_file"], vars(self)["_line"])

    def init(self, *args: Any, **kwargs: Any) -> None:
        """To be overridden by a decorator that takes arguments."""

    def get_args_kwargs(self) -> Tuple[List[Any], Dict[str, Any]]:
        """The arguments that it was written with."""
        return list(vars(self)["_args"]), dict(vars(self)["_kwargs"])


class StepDecoratorBase(Custom):
    """What can stand on a step."""

    @classmethod
    def _is_target(cls, value: Any) -> bool:
        return is_step(value)


class UserStepDecorator(StepDecoratorBase):
    """Something that happens before and after a step, in the task.

    `@Mine(option=1)` above `@step`; `init` gets the options. Of several the topmost is the outermost.
    """

    _positional = False

    def pre_step(self, step_name: str, flow: Any, inputs: Any = None) -> Optional[Callable[..., Any]]:
        """Before the step. What is returned, if anything, is called with the flow (and `inputs`) instead of it."""
        return None

    def post_step(self, step_name: str, flow: Any, exception: Optional[Exception] = None) -> Any:
        """After the step, and after it failed: the exception that is returned is raised, None lets the task go on.

        A pair of that and of options for `self.next` changes those; with `{}` they are what the step says.
        """
        return (exception, None) if exception is not None else (None, None)

    @property
    def skip_step(self) -> Any:
        """False; True leaves out the step; so do options for `self.next`, with which that is called then."""
        return vars(self).get("_skip", False)

    @skip_step.setter
    def skip_step(self, value: Any) -> None:
        vars(self)["_skip"] = value


class StepMutator(StepDecoratorBase):
    """Changes the decorators of the step that it stands on; see `mutable.MutableStep` for what it can do.

    `pre_mutate` is called when the configs are known, `mutate` after the decorators of `--with` have been added.
    """

    def pre_mutate(self, mutable_step: Any) -> None:
        """Change the step: all of `MutableStep` can be used."""

    def mutate(self, mutable_step: Any) -> None:
        """Change the step: no other mutators can be added or removed."""


class FlowMutator(Custom):
    """Changes the flow that it stands on and its steps; see `mutable.MutableFlow` for what it can do.

    `pre_mutate` is called when the configs are known, `mutate` after the decorators of `--with` have been added.
    """

    @classmethod
    def _is_target(cls, value: Any) -> bool:
        return isinstance(value, type) and any(klass.__dict__.get("_own", False) for klass in value.__mro__)

    @classmethod
    def _belongs(cls) -> str:
        return "put it above the class of a flow"

    def pre_mutate(self, mutable_flow: Any) -> None:
        """Change the flow: all of `MutableFlow` can be used."""

    def mutate(self, mutable_flow: Any) -> None:
        """Change the steps: the flow's own decorators and parameters stay as they are."""


def user_step_decorator(*arguments: Any, **options: Any) -> Any:
    """Make a decorator of steps from a generator function of `step_name, flow, inputs` and, maybe, `attributes`.

    It runs until its `yield` before the step, and on from there after it; what the step raised is raised by the
    `yield`, and the task goes on if that is caught. `yield USER_SKIP_STEP` leaves the step out, `yield {...}` as well,
    with these options for `self.next`; `yield function` calls that instead of the step. `attributes` are the options
    that the decorator was written with.
    """
    if not arguments:
        return lambda function: user_step_decorator(function, **options)
    function = arguments[0]
    if not inspect.isgeneratorfunction(function):
        at, name = place(*users_position()), getattr(function, "__name__", repr(function))
        raise FlowError(
            f"{at}: `@user_step_decorator` stands on `{name}`, which is no generator function",
            "write `def decorator(step_name, flow, inputs, attributes):` with one `yield` in it",
        )
    count = len(inspect.signature(function).parameters)
    if count not in (3, 4):
        raise FlowError(
            f"{place(*users_position())}: `{function.__name__}` takes {count} arguments",
            "a step decorator takes `step_name, flow, inputs` and, if it is to have options, `attributes`",
        )
    members = {
        "__doc__": function.__doc__,
        "__module__": function.__module__,
        "_function": staticmethod(function),
        "_takes_attributes": count == 4,
        "decorator_name": f"{function.__module__}.{function.__name__}",
    }
    return type(function.__name__, (_Generated,), members)


class _Generated(UserStepDecorator):
    """A step decorator made from a generator function."""

    _function: Callable[..., Any]
    _takes_attributes = False

    def init(self, *args: Any, **kwargs: Any) -> None:
        vars(self)["attributes"] = kwargs

    def pre_step(self, step_name: str, flow: Any, inputs: Any = None) -> Optional[Callable[..., Any]]:
        more = (vars(self).get("attributes", {}),) if self._takes_attributes else ()
        running = vars(self)["_running"] = self._function(step_name, flow, inputs, *more)
        try:
            given = next(running)
        except StopIteration:
            name = type(self).__name__
            hint = "write `yield` where the step is to run, or `yield USER_SKIP_STEP` to leave it out"
            raise FlowError(f"the step decorator `{name}` ends before it yields", hint) from None
        self.skip_step = (given or True) if isinstance(given, dict) else False
        return None if isinstance(given, dict) else given

    def post_step(self, step_name: str, flow: Any, exception: Optional[Exception] = None) -> Any:
        running = vars(self)["_running"]
        try:
            running.throw(exception) if exception is not None else next(running)
        except StopIteration as end:
            return end.value
        raise FlowError(f"the step decorator `{type(self).__name__}` yields more than once", "one `yield` is the step")


def custom_on(target: Any) -> Tuple[Any, ...]:
    """The decorators of users that stand on a function, or on this very class, the lowest first."""
    return tuple(vars(target).get(_CUSTOM, ()))


def note(target: Any, decorator: Custom) -> Any:
    setattr(target, _CUSTOM, (*custom_on(target), decorator))
    return target


def replace_custom(target: Any, decorators: Tuple[Any, ...]) -> None:
    setattr(target, _CUSTOM, decorators)


def named(name: str) -> Optional[Type[Custom]]:
    """The class of a decorator by its full name or by the end of it, if that is one's alone."""
    found = [cls for full, cls in _every.items() if full == name or full.endswith(f".{name}")]
    return found[0] if len(found) == 1 else None


def short_name(cls: Type[Custom]) -> str:
    """The shortest end of the full name that is its alone."""
    parts = cls.decorator_name.split(".")
    ends = (".".join(parts[-count:]) for count in range(1, len(parts)))
    return next((end for end in ends if named(end) is cls), cls.decorator_name)


def users_position() -> Tuple[str, int]:
    """The nearest line outside of this package."""
    frame = sys._getframe(1)
    while os.path.dirname(frame.f_code.co_filename) == _OWN and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno
