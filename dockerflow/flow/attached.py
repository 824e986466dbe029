"""Decorators that the command line puts on steps: `--with retry:times=4`.

Each is put on every step that has none of its kind: what stands in the flow's file is preferred, and says also where a
step runs. It may be one of dockerflow's by its name, or one that a user has written, by that of its module and class.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import difflib
from typing import Any, List, Mapping, Sequence

from dockerflow.flow.custom import Custom, StepDecoratorBase, custom_on, replace_custom
from dockerflow.flow.decorator_spec import parsed_spec
from dockerflow.flow.decorator_values import SEVERAL
from dockerflow.flow.decorators import Written, write_on, written_on
from dockerflow.flow.elsewhere import same_kind
from dockerflow.flow.errors import FlowError
from dockerflow.flow.flow_values import OF_FLOWS
from dockerflow.flow.libraries import BASES
from dockerflow.flow.options import OPTIONS

__all__ = ["attach"]

# Decorators of steps whose tasks are gangs.
GANGS = ("parallel", "pytorch_parallel")

_OURS = ("image", *(name for name in OPTIONS if name not in (*OF_FLOWS, *BASES)))


def attach(steps: Mapping[str, Any], decorators: Sequence[str]) -> List[Custom]:
    """Put decorators on the functions of a flow's steps, which must be its own alone (`changing.own_steps`).

    Returns those that a user has written, which are still to be initialized. Raises FlowError for a name that is none.
    """
    added: List[Custom] = []
    placed = ""
    for text in decorators:
        spec = parsed_spec(text)
        if same_kind(spec.name, "local"):
            _require_alone(text, placed)
            placed = text
        if spec.name in _OURS:
            written = Written(spec.name, tuple(spec.arguments), spec.options, f"--with {text}", 0)
            for function in steps.values():
                _attach_ours(function, written)
        else:
            kind = _class_of(spec.name)
            for function in steps.values():
                if not any(type(each) is kind for each in custom_on(function)):
                    made = kind(*spec.arguments, **spec.options)
                    vars(made)["statically_defined"] = False
                    replace_custom(function, (*custom_on(function), made))
                    added.append(made)
    return added


def _attach_ours(function: Any, written: Written) -> None:
    own = written_on(function)
    if written.name == "cache" and any(each.name in GANGS for each in own):
        return  # what a gang does it does together: see `forms`
    if written.name in SEVERAL or not any(same_kind(each.name, written.name) for each in own):
        write_on(function, [*own, written])


def _require_alone(text: str, other: str) -> None:
    """Of two places for all steps the second would be dropped without a word."""
    if other and text != other:
        hint = "name several hosts in one, as `--with remote:host=a,b`"
        raise FlowError(f"`--with {text}` comes after `--with {other}`: each says where steps run", hint)


def _class_of(name: str) -> Any:
    """The class of a decorator that a user has written."""
    from dockerflow.flow.mutations import decorator_class  # noqa: PLC0415 - it is not needed for ours

    found = decorator_class(name)
    if isinstance(found, type) and issubclass(found, StepDecoratorBase):
        return found
    near = difflib.get_close_matches(name, _OURS, 1)
    every = ", ".join(f"`{each}`" for each in sorted(_OURS))
    hint = f"did you mean `{near[0]}`?" if near else f"there are {every}, and your own by `module.Class`"
    raise FlowError(f"`--with {name}` names no decorator of steps", hint)
