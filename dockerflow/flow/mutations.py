"""What mutators do: who is at work, and which decorator is meant by what they name.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import difflib
import importlib
from typing import Any, Callable, Dict, List, Mapping, NoReturn, Optional, Sequence, Tuple, Type

from dockerflow.flow.changing import Changes
from dockerflow.flow.custom import Custom, FlowMutator, named, short_name, users_position
from dockerflow.flow.decorator_spec import parsed_spec
from dockerflow.flow.decorators import Written
from dockerflow.flow.errors import FlowError, FlowFileError, place
from dockerflow.flow.tracebacks import traceback_of
from dockerflow.lazy_dataclasses import dataclass

__all__ = [
    "ERROR",
    "IGNORE",
    "OVERRIDE",
    "Mutation",
    "Spec",
    "asked",
    "decorator_class",
    "matches",
    "overrides",
    "refuse",
    "spec_of_custom",
    "spec_of_written",
]

IGNORE, ERROR, OVERRIDE = 1, 2, 3  # what becomes of a decorator that is there already, or of the one that is added

Spec = Tuple[str, str, List[Any], Dict[str, Any]]  # name, full name, arguments, options


@dataclass(frozen=True)
class Mutation:
    """One mutator at work. `mutators` are those of the flow, in their order; more of them may be added at its end."""

    cls: Any
    changes: Changes
    configs: Mapping[str, Any]
    mutators: List[FlowMutator]
    initialize: Callable[[Custom], None]
    by: Custom
    early: bool  # whether this is `pre_mutate`

    def require_early(self, what: str) -> None:
        if not self.early:
            name = type(self.by).__name__
            raise FlowError(f"{_here()}: {what} in `mutate` of `{name}`", "this can only be done in `pre_mutate`")

    def mark(self, added: Custom) -> None:
        """Note whose decorator it is."""
        by = [type(self.by).decorator_name, *(self.by.inserted_by or [])]
        vars(added).update(inserted_by=by, statically_defined=self.by.statically_defined)


def overrides(duplicates: int, name: str, what: str, by: Custom) -> bool:
    if duplicates == ERROR and by.statically_defined:
        refuse(f"{what} has a decorator `{name}` already", "`duplicates=OVERRIDE` replaces it, `IGNORE` leaves it")
    return duplicates == OVERRIDE


def asked(
    wanted: Any,
    arguments: Optional[Sequence[Any]],
    options: Optional[Mapping[str, Any]],
    kind: Type[Custom],
    names: Sequence[str],
) -> Any:
    """A new decorator of the user's, or what stands for one of dockerflow's, by its class, function or text."""
    given, keywords = list(arguments or ()), dict(options or {})
    if isinstance(wanted, str):
        spec = parsed_spec(wanted)
        if (given or keywords) and (spec.arguments or spec.options):
            refuse(f"`{wanted}` has options, and others are given beside it", "leave one of the two out")
        given, keywords = given or spec.arguments, keywords or spec.options
        if spec.name in names:
            return Written(spec.name, tuple(given), keywords, *users_position())
        wanted = decorator_class(spec.name)
        if wanted is None:
            near = difflib.get_close_matches(spec.name, names, 1)
            hint = f"did you mean `{near[0]}`?" if near else "name one of yours with its module, as `module.decorator`"
            refuse(f"there is no decorator `{spec.name}`", hint)
    if isinstance(wanted, type) and issubclass(wanted, kind):
        return wanted(*given, **keywords)
    name = getattr(wanted, "__name__", "")
    if name in names and getattr(wanted, "__module__", "").startswith("dockerflow."):
        return Written(name, tuple(given), keywords, *users_position())
    what = "flows" if kind is FlowMutator else "steps"
    hint = f"a decorator of {what} is added by its function, its class, or a text like `name:option=value`"
    return refuse(f"`{wanted!r}` is no decorator of {what}", hint)


def decorator_class(name: str) -> Any:
    """A decorator that a user has written, by its name or by that of its module and class; None if there is none."""
    found = named(name)
    if found is not None or "." not in name:
        return found
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        hint = f"`{attribute}` is looked for in the module `{module}`, beside the flow or installed here"
        raise FlowError(f"the decorator `{name}` cannot be imported: {error}", hint) from error
    except Exception as error:
        raise FlowFileError(f"the decorator `{name}` cannot be imported", traceback=traceback_of(error)) from error


def spec_of_written(written: Written) -> Spec:
    return written.name, f"dockerflow.{written.name}", list(written.arguments), dict(written.options)


def spec_of_custom(decorator: Custom) -> Spec:
    return (short_name(type(decorator)), type(decorator).decorator_name, *decorator.get_args_kwargs())


def matches(spec: Spec, name: str, arguments: Optional[List[Any]], options: Optional[Dict[str, Any]]) -> bool:
    if name not in spec[:2]:
        return False
    return (arguments is None and options is None) or spec[2:] == (arguments or [], options or {})


def refuse(what: str, hint: str) -> NoReturn:
    raise FlowError(f"{_here()}: {what}", hint)


def _here() -> str:
    return place(*users_position())
