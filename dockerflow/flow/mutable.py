"""What a mutator can see and change of a flow: `MutableFlow` and `MutableStep`.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from dockerflow.flow.custom import (
    FlowMutator,
    StepDecoratorBase,
    StepMutator,
    UserStepDecorator,
    custom_on,
    replace_custom,
    short_name,
)
from dockerflow.flow.decorators import Written, write_on, written_on
from dockerflow.flow.elsewhere import same_kind
from dockerflow.flow.flow_values import OF_FLOWS, SEVERAL
from dockerflow.flow.libraries import BASES
from dockerflow.flow.members import classes_of, members_of, step_functions_of
from dockerflow.flow.mutations import (
    ERROR,
    IGNORE,
    OVERRIDE,
    Mutation,
    Spec,
    asked,
    matches,
    overrides,
    refuse,
    spec_of_custom,
    spec_of_written,
)
from dockerflow.flow.options import OPTIONS
from dockerflow.flow.parameter import Parameter

__all__ = ["MutableFlow", "MutableStep"]

_SEVERAL = frozenset(("card", *SEVERAL))


class _Decorated:
    """What flows and steps have in common."""

    IGNORE, ERROR, OVERRIDE = IGNORE, ERROR, OVERRIDE

    def __init__(self, mutation: Mutation) -> None:
        self._mutation = mutation

    @property
    def decorator_specs(self) -> Iterator[Spec]:
        """Of each decorator: its name, its full name, its arguments and its options."""
        raise NotImplementedError

    def has_decorator(self, name: str) -> bool:
        """Whether one has this name; one with a dot is compared with the full names."""
        return bool(self.get_decorator_specs(name))

    def get_decorator_specs(self, name: str) -> List[Spec]:
        """The specs of the decorators that have this name."""
        return [spec for spec in self.decorator_specs if (spec[1] if "." in name else spec[0]) == name]


class MutableFlow(_Decorated):
    """The flow: `configs`, `parameters` and `steps` as pairs of name and value; each is an attribute, too."""

    @property
    def decorator_specs(self) -> Iterator[Spec]:
        for klass in classes_of(self._mutation.cls):
            yield from map(spec_of_written, written_on(klass))
        yield from map(spec_of_custom, self._mutation.mutators)

    @property
    def configs(self) -> Iterator[Tuple[str, Any]]:
        """The value of each config by its name."""
        return iter(self._mutation.configs.items())

    @property
    def parameters(self) -> Iterator[Tuple[str, Parameter]]:
        """Each parameter by its attribute."""
        return iter(sorted(members_of(self._mutation.cls, lambda value: isinstance(value, Parameter)).items()))

    @property
    def steps(self) -> Iterator[Tuple[str, MutableStep]]:
        return ((name, MutableStep(self._mutation, name)) for name in sorted(step_functions_of(self._mutation.cls)))

    def add_parameter(self, name: str, value: Parameter, overwrite: bool = False) -> None:
        """Give the flow a parameter in the attribute `name`; `overwrite`: also where it has something there."""
        self._mutation.require_early(f"parameter `{name}` is added")
        if not isinstance(value, Parameter):
            refuse(f"parameter `{name}` is `{value!r}`", "add a `Parameter` or an `IncludeFile`")
        if hasattr(self._mutation.cls, name) and not overwrite:
            refuse(f"the flow has an attribute `{name}` already", "`overwrite=True` puts the parameter in its place")
        value.__set_name__(self._mutation.cls, name)
        self._mutation.changes.set(self._mutation.cls, name, value)

    def remove_parameter(self, parameter_name: str) -> bool:
        """Take away the parameter with this name on the command line; False where there is none."""
        self._mutation.require_early(f"parameter `{parameter_name}` is removed")
        found = [attribute for attribute, each in self.parameters if each.name == parameter_name]
        for attribute in found:
            self._mutation.changes.remove(attribute)
        return bool(found)

    def add_decorator(
        self,
        deco_type: Any,
        deco_args: Optional[List[Any]] = None,
        deco_kwargs: Optional[Dict[str, Any]] = None,
        duplicates: int = IGNORE,
    ) -> Any:
        """Put a decorator on the flow: one of dockerflow's, a FlowMutator, or a text like `project:name=movies`.

        Returns what was added, or None where it has one of the same name and `duplicates` is not `OVERRIDE`.
        """
        mutation = self._mutation
        mutation.require_early("a decorator of the flow is added")
        added = asked(deco_type, deco_args, deco_kwargs, FlowMutator, (*OF_FLOWS, *BASES))
        if isinstance(added, Written):
            own = [each for klass in classes_of(mutation.cls) for each in written_on(klass)]
            same = added.name not in _SEVERAL and any(each.name == added.name for each in own)
            if same and not self._overrides(duplicates, added.name):
                return None
            if same:
                self._remove_written(lambda each: each.name == added.name)
            self._write(mutation.cls, [*written_on(mutation.cls), added])
            return added
        same_mutators = [each for each in mutation.mutators if type(each) is type(added)]
        if same_mutators and not self._overrides(duplicates, type(added).__name__):
            return None
        mutation.mutators[:] = [each for each in mutation.mutators if each not in same_mutators]
        mutation.mark(added)
        mutation.initialize(added)
        mutation.mutators.append(added)
        return added

    def remove_decorator(
        self, deco_name: str, deco_args: Optional[List[Any]] = None, deco_kwargs: Optional[Dict[str, Any]] = None
    ) -> bool:
        """Take away the decorators of the flow with this name, or only those that were written with these options."""
        self._mutation.require_early(f"the decorator `{deco_name}` is removed")
        if any(deco_name in (type(each).decorator_name, short_name(type(each))) for each in self._mutation.mutators):
            refuse(f"`{deco_name}` is a flow mutator, which cannot be removed", "remove it where it is written")
        return self._remove_written(lambda each: matches(spec_of_written(each), deco_name, deco_args, deco_kwargs))

    def _overrides(self, duplicates: int, name: str) -> bool:
        return overrides(duplicates, name, f"flow `{self._mutation.cls.__name__}`", self._mutation.by)

    def _remove_written(self, matches: Callable[[Written], bool]) -> bool:
        removed = False
        for klass in classes_of(self._mutation.cls):
            own = written_on(klass)
            kept = [each for each in own if not matches(each)]
            if len(kept) < len(own):
                removed = True
                self._write(klass, kept)
        return removed

    def _write(self, klass: Any, decorators: Sequence[Written]) -> None:
        write_on(klass, decorators, self._mutation.changes.set)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            cls = self._mutation.cls
            if name in step_functions_of(cls):
                return MutableStep(self._mutation, name)
            if isinstance(getattr(cls, name, None), Parameter):
                return getattr(cls, name)
            attributes = {each.attribute: each.name for each in _configs_of(cls)}
            if name in attributes:
                return self._mutation.configs[attributes[name]]
        raise AttributeError(f"the flow `{self._mutation.cls.__name__}` has no step, parameter or config `{name}`")


class MutableStep(_Decorated):
    """One step of the flow that is changed."""

    def __init__(self, mutation: Mutation, name: str) -> None:
        super().__init__(mutation)
        self.name = name
        self._function = step_functions_of(mutation.cls)[name]

    @property
    def flow(self) -> MutableFlow:
        return MutableFlow(self._mutation)

    @property
    def decorator_specs(self) -> Iterator[Spec]:
        yield from map(spec_of_written, written_on(self._function))
        # Those that are run with the step come before those that change it, as in Metaflow.
        own = sorted(custom_on(self._function), key=lambda each: not isinstance(each, UserStepDecorator))
        yield from map(spec_of_custom, own)

    def add_decorator(
        self,
        deco_type: Any,
        deco_args: Optional[List[Any]] = None,
        deco_kwargs: Optional[Dict[str, Any]] = None,
        duplicates: int = IGNORE,
    ) -> Any:
        """Put a decorator on the step: one of dockerflow's, a user's, or a text like `retry:times=4`.

        Returns what was added, or None where it has one of the same name and `duplicates` is not `OVERRIDE`; `remote`
        and `local` are one name for that.
        """
        names = [name for name in OPTIONS if name not in (*OF_FLOWS, *BASES)]
        added = asked(deco_type, deco_args, deco_kwargs, StepDecoratorBase, names)
        if isinstance(added, Written):
            return self._add_written(added, duplicates)
        if isinstance(added, StepMutator):
            self._mutation.require_early(f"the step mutator `{type(added).__name__}` is added")
        own = custom_on(self._function)
        same = [each for each in own if type(each) is type(added)]
        if same and not self._overrides(duplicates, type(added).__name__):
            return None
        self._mutation.mark(added)
        replace_custom(self._function, (*(each for each in own if each not in same), added))
        self._mutation.initialize(added)
        return added

    def _add_written(self, added: Written, duplicates: int) -> Optional[Written]:
        own = written_on(self._function)
        same = [each for each in own if same_kind(each.name, added.name) and added.name not in _SEVERAL]
        if same and not self._overrides(duplicates, same[0].name):
            return None
        write_on(self._function, [*(each for each in own if each not in same), added])
        return added

    def remove_decorator(
        self, deco_name: str, deco_args: Optional[List[Any]] = None, deco_kwargs: Optional[Dict[str, Any]] = None
    ) -> bool:
        """Take away the decorators with this name, or only those that were written with these options."""
        kept = []
        for each in custom_on(self._function):
            if not matches(spec_of_custom(each), deco_name, deco_args, deco_kwargs):
                kept.append(each)
            elif isinstance(each, StepMutator):
                self._mutation.require_early(f"the step mutator `{deco_name}` is removed")
        written = [
            each
            for each in written_on(self._function)
            if not matches(spec_of_written(each), deco_name, deco_args, deco_kwargs)
        ]
        removed = len(kept) + len(written) < len(custom_on(self._function)) + len(written_on(self._function))
        replace_custom(self._function, tuple(kept))
        write_on(self._function, written)
        return removed

    def _overrides(self, duplicates: int, name: str) -> bool:
        return overrides(duplicates, name, f"step `{self.name}`", self._mutation.by)


def _configs_of(cls: Any) -> List[Any]:
    from dockerflow.flow.config import Config, written  # noqa: PLC0415 - most flows have none

    return [written(each) for each in members_of(cls, lambda value: isinstance(value, Config)).values()]
