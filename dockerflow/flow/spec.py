"""The class that a user's flow is made from.

On a running flow an attribute is an artifact: setting one keeps it for this task and those after it, reading one
that an earlier task has set loads it. Class attributes are constants: they can be read but not set. In a join
nothing is inherited but parameters and constants; the rest is in its `inputs`.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from types import MappingProxyType, MethodType
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

from dockerflow.flow import own_script, shell
from dockerflow.flow.errors import MissingInMerge, StepError, UnhandledInMerge
from dockerflow.flow.metaflow_names import is_metaflow
from dockerflow.flow.next_called import taken_of
from dockerflow.flow.reads import of_current
from dockerflow.flow.view import INTERNAL, View

__all__ = ["FlowSpec", "constants_of", "own_artifacts", "view_of", "with_view"]

# Under this name the view is kept among the instance's attributes; two underscores: never an artifact.
_VIEW = "__dockerflow_view__"


class FlowSpec:
    """A flow. Steps are methods with `@step`; `start` comes first and `end` last."""

    _own = True  # tells this class from the user's

    def __init__(self, use_cli: bool = True) -> None:
        """`use_cli`: be the command of this flow, with the words of the process, as in a file that Python runs; Python
        ends with it. Not while a command of dockerflow reads the file.
        """
        if use_cli and not is_metaflow():
            own_script.end()
            raise SystemExit(_command_of(type(self)))

    @property
    def script_name(self) -> str:
        """The name of the flow's file."""
        return os.path.basename(sys.modules[type(self).__module__].__file__ or "")

    @property
    def index(self) -> Optional[int]:
        """The position of this task in the innermost foreach, from 0; None outside any."""
        levels = view_of(self).foreach()
        return levels[-1].index if levels else None

    @property
    def input(self) -> Any:
        """The item of the innermost foreach that this task is for; None outside any."""
        return view_of(self).innermost_item()

    def foreach_stack(self) -> List[Tuple[int, Optional[int], Any]]:
        """(index, number of splits, item) for every foreach around this task, the outermost first.

        For the tasks of a gang (`num_parallel`) that is (number, None, number).
        """
        view = view_of(self)
        return [(level.index, level.size, item) for level, item in zip(view.foreach(), view.level_items())]

    def next(self, *steps: Any, **options: Any) -> None:
        """Say which steps follow: the last line of every step but `end`.

        `self.next(self.a)`; `self.next(self.a, self.b)` for both; `self.next(self.a, foreach="items")` for one task
        of `a` per item of `self.items`; `self.next(self.a, num_parallel=4)` for 4 tasks of `a` at the same time; or
        `self.next({"x": self.a, "y": self.b}, condition="kind")` for the one that is named for the value of
        `self.kind`. Raises StepError for what is not one of these, or when called twice.
        """
        view = view_of(self)
        view.taken = taken_of(self, view, steps, options)

    def merge_artifacts(
        self, inputs: Iterable[Any], exclude: Optional[List[str]] = None, include: Optional[List[str]] = None
    ) -> None:
        """In a join, take over the artifacts of the inputs that are not yet set here.

        All or nothing: raises UnhandledInMerge when two inputs differ in some of them, and
        MissingInMerge when one named in `include` is in no input.
        """
        view = view_of(self)
        include, exclude = list(include or ()), list(exclude or ())
        if not view.step.join:
            raise StepError(f"step `{view.step.name}` is no join: it cannot call `self.merge_artifacts`")
        if include and exclude:
            raise StepError("`self.merge_artifacts` takes `include` or `exclude`, not both")
        view.refs.update(_mergeable(self, view, inputs, include, exclude))

    def cmd(self, cmdline: str, input: Mapping[str, Any] = MappingProxyType({}), output: Iterable[str] = ()) -> Any:
        """Run a line of the shell, as old flows do: `input` are files to write before it, `output` files to read
        after it, whose bytes are returned. Raises StepError where it fails."""
        return shell.run(cmdline, input, output)

    def __iter__(self) -> Iterator[Any]:
        """The steps, as functions, sorted by name."""
        return iter([getattr(type(self), name) for name in sorted(view_of(self).flow.steps)])

    def __getattr__(self, name: str) -> Any:
        view: Optional[View] = vars(self).get(_VIEW)
        if name == "name" and (view is None or name not in view.refs):
            return type(self).__name__
        if name.startswith("__") or view is None:
            raise AttributeError(f"`{type(self).__name__}` has no attribute `{name}`")
        if name in view.refs:
            value = view.artifact(name)
            vars(self)[name] = value
            return value
        raise AttributeError(_missing(self, view, name))

    def __setattr__(self, name: str, value: Any) -> None:
        if name in constants_of(type(self)):
            raise AttributeError(
                f"`{name}` is an attribute of the class `{type(self).__name__}` and cannot be changed in a step; "
                "store the new value under another name"
            )
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        # What this task has set is gone; what an earlier one has set is still there, and goes on to later steps, as it
        # does in Metaflow.
        view: Optional[View] = vars(self).get(_VIEW)
        if view is not None and name in view.parameters:
            raise AttributeError(f"`{name}` is a parameter and cannot be deleted")
        if name in constants_of(type(self)):
            raise AttributeError(f"`{name}` is an attribute of the class `{type(self).__name__}` and cannot be deleted")
        if view is not None and name in view.refs and name not in vars(self):
            return
        super().__delattr__(name)

    def __dir__(self) -> List[str]:
        of_current("parameter_names")  # whoever goes through them all depends on which there are
        view: Optional[View] = vars(self).get(_VIEW)
        return sorted({*super().__dir__(), *(() if view is None else view.public())} - {_VIEW})

    def __str__(self) -> str:
        view: Optional[View] = vars(self).get(_VIEW)
        item = view.innermost_item() if view is not None and view.foreach() else None
        if item is None:
            return repr(self)
        text = str(item)
        return f"{repr(self)[:-1]} (input: {text if len(text) <= 20 else text[:20] + '...'})>"

    def __repr__(self) -> str:
        view: Optional[View] = vars(self).get(_VIEW)
        if view is None:
            return f"<flow {type(self).__name__}>"
        place = ",".join(str(level.index) for level in view.foreach())
        return f"<flow {type(self).__name__} step {view.step.name}{f'[{place}]' if place else ''}>"

    def __reduce__(self) -> Any:
        raise TypeError("a flow cannot be an artifact: keep single values, as in `self.x = inputs[0].x`, not all of it")

    def _parameter(self, name: str, shown: Callable[[Any], Any]) -> Any:
        view = view_of(self)
        if name not in view.loaded:
            view.reads.add(name)
            view.loaded[name] = shown(view.load(view.parameters[name]))
        return view.loaded[name]


def _command_of(cls: Any) -> int:
    try:
        command = importlib.import_module("dockerflow.cli.own_command")  # by name: nothing here may depend on it
    except ModuleNotFoundError as error:  # in a step's container
        print(f"error: no flow can be run here: there is no `{error.name}`", file=sys.stderr)
        return 2
    return int(command.main(cls))


def view_of(flow: FlowSpec) -> View:
    """The view of a flow's task. Raises StepError on an instance that no task made."""
    view: Optional[View] = vars(flow).get(_VIEW)
    if view is None:
        raise StepError(f"`{type(flow).__name__}` is not running: only a step can do that")
    return view


def with_view(flow: FlowSpec, view: View) -> FlowSpec:
    vars(flow)[_VIEW] = view
    return flow


def own_artifacts(flow: FlowSpec) -> Dict[str, Any]:
    """The attributes that are artifacts: everything set on the instance but the flow's own methods and what begins
    with `__`. Metaflow drops every function without a word; here one that cannot be stored fails the task.
    """
    return {
        name: value
        for name, value in vars(flow).items()
        if not name.startswith("__") and name not in INTERNAL and not _is_method_of(flow, value)
    }


def constants_of(cls: Any) -> Dict[str, Any]:
    """The attributes of a flow's class that are values: those that a task reads but cannot set."""
    found = cls.__dict__.get("__dockerflow_constants__")
    if found is None:
        found = {name: getattr(cls, name) for name in dir(cls) if _is_constant(cls, name)}
        cls.__dockerflow_constants__ = found
    return found  # type: ignore[no-any-return]


def _is_constant(cls: Any, name: str) -> bool:
    if name.startswith("_") or hasattr(FlowSpec, name):
        return False
    value = next(klass.__dict__[name] for klass in cls.__mro__ if name in klass.__dict__)
    return not isinstance(value, type) and not hasattr(type(value), "__get__")


def _is_method_of(flow: FlowSpec, value: Any) -> bool:
    return isinstance(value, MethodType) and value.__self__ is flow


def _missing(flow: FlowSpec, view: View, name: str) -> str:
    here = sorted({*view.public(), *(own for own in own_artifacts(flow) if not own.startswith("_"))})
    near = difflib.get_close_matches(name, [*here, *view.parameters], 1)
    if near:
        advice = f"did you mean `{near[0]}`?"
    elif view.step.join and view.running:
        advice = "a join inherits nothing: take it from `inputs`, or call `self.merge_artifacts(inputs)` first"
    else:
        shown = ", ".join(f"`{each}`" for each in here[:12])
        listed = f"it has {shown}{f' and {len(here) - 12} more' if len(here) > 12 else ''}" if here else "it has none"
        join = _join_before(view)
        advice = listed + (f"; `{join}` passes on what it sets or merges with `self.merge_artifacts`" if join else "")
    return f"step `{view.step.name}` has no artifact `{name}`: {advice}"


def _join_before(view: View) -> str:
    """The nearest join up to this task, which may have left an artifact behind; empty if there is none."""
    before, ways = view.flow.preceding(), [view.step.name]
    for name in ways:  # which grows
        if view.flow.steps[name].join:
            return name
        ways += [each for each in before[name] if each not in ways]
    return ""


def _mergeable(
    flow: FlowSpec, view: View, inputs: Iterable[FlowSpec], include: List[str], exclude: List[str]
) -> Dict[str, Any]:
    """The refs to take over from the inputs of a join."""
    found: Dict[str, Any] = {}
    differing: Dict[str, None] = {}
    for each in inputs:
        for name, ref in view_of(each).refs.items():
            wanted = name in include if include else name not in exclude
            if not wanted or name in INTERNAL or _is_set(flow, view, name):
                continue
            if found.setdefault(name, ref).sha256 != ref.sha256:
                differing[name] = None
    if differing:
        names = ", ".join(f"`{name}`" for name in differing)
        hint = "set each of them before `self.merge_artifacts`, or name them in `exclude`"
        message = f"step `{view.step.name}` cannot merge {names}: the inputs have different values"
        raise UnhandledInMerge(message, hint, list(differing))
    missing = [name for name in include if name not in found and not _is_set(flow, view, name)]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        message = f"step `{view.step.name}` cannot merge {names}: no input has it"
        raise MissingInMerge(message, "leave it out of `include`", missing)
    return found


def _is_set(flow: FlowSpec, view: View, name: str) -> bool:
    return name in vars(flow) or name in view.refs or hasattr(type(flow), name)


own_script.begin()  # whoever imports this is about to define a flow
