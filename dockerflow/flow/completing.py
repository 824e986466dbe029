"""Complete a flow's class with what is known only when its whole file has been executed.

Configs get their values; mutators change steps, parameters and decorators; the decorators of `--with` are added; what
was written of configs in the options of decorators and parameters is replaced by what it means. Both sides do it, the
launching machine and every container, so that they read the same flow.

The order is Metaflow's: configs, flow mutators before step mutators (`pre_mutate`), `--with`, and both again
(`mutate`).

Standard library only, Python 3.7.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any, Callable, Dict, Iterator, List, Mapping, Tuple

from dockerflow.flow.changing import Changes
from dockerflow.flow.config import Config, Written, written
from dockerflow.flow.custom import Custom, FlowMutator, StepDecoratorBase, StepMutator, custom_on, replace_custom
from dockerflow.flow.decorators import Written as WrittenDecorator
from dockerflow.flow.decorators import write_on, written_on
from dockerflow.flow.definition import ConfigDefinition, Problem
from dockerflow.flow.errors import ExpressionError, FlowError, FlowFileError, place
from dockerflow.flow.expressions import Expression, has_expression, resolved, unpacked
from dockerflow.flow.given import Given
from dockerflow.flow.members import classes_of, members_of, step_functions_of
from dockerflow.flow.parameter import Parameter
from dockerflow.flow.tracebacks import traceback_of
from dockerflow.lazy_dataclasses import dataclass

__all__ = ["Completed", "complete"]


@dataclass(frozen=True)
class Completed:
    """What is known of the flow now: `given` has the value of every config, and their texts no longer."""

    given: Given
    configs: Tuple[ConfigDefinition, ...] = ()
    problems: Tuple[Problem, ...] = ()


def complete(cls: Any, given: Given) -> Completed:
    """Complete the class of a flow. Raises ParameterError for configs, FlowError for what a mutator did wrong."""
    changes = Changes(cls)
    configs = [written(each) for each in members_of(cls, lambda value: isinstance(value, Config)).values()]
    problems = list(_wrong_configs(configs))
    values = {} if problems else _values(cls, configs, given)
    shown = {each.name: each.shown(values.get(each.name)) for each in configs}
    _Completion(cls, changes, shown, problems).run(given.decorators)
    definitions = tuple(each.definition() for each in configs)
    return Completed(replace(given, configs={}, values=values), definitions, tuple(problems))


def _wrong_configs(configs: List[Written]) -> Iterator[Problem]:
    names: Dict[str, str] = {}
    for config in configs:
        for message, hint in config.faults():
            yield Problem(config.file, config.line, message, hint)
        if config.name in names:
            message = f"config `{config.name}` is defined twice, in `{names[config.name]}` and in `{config.attribute}`"
            yield Problem(config.file, config.line, message, "give one of the two another name")
        names.setdefault(config.name, config.attribute)


def _values(cls: Any, configs: List[Written], given: Given) -> Mapping[str, Any]:
    if not given.configs and all(config.name in given.values for config in configs):
        return {config.name: given.values[config.name] for config in configs}
    from dockerflow.flow.config_values import config_values  # noqa: PLC0415 - no container needs it

    return config_values(configs, given, cls.__name__)


class _Completion:
    """The class of one flow while it is completed."""

    def __init__(self, cls: Any, changes: Changes, configs: Mapping[str, Any], problems: List[Problem]) -> None:
        self._cls, self._changes, self._configs, self._problems = cls, changes, configs, problems
        self._mutators = list(map(copy, _flow_mutators(cls)))

    def run(self, decorators: Tuple[str, ...]) -> None:
        for function in self._changes.own_steps().values():
            replace_custom(function, tuple(map(copy, custom_on(function))))
        for mutator in list(self._mutators):
            self._initialize(mutator)
        self._mutate("pre_mutate")
        self._resolve_class()
        if decorators:
            from dockerflow.flow.attached import attach  # noqa: PLC0415 - most flows are run without

            for decorator in attach(step_functions_of(self._cls), decorators):
                self._initialize(decorator)
        self._mutate("mutate")
        for function in step_functions_of(self._cls).values():
            write_on(function, list(self._resolved(written_on(function))))
            for decorator in custom_on(function):
                self._initialize(decorator)

    def _mutate(self, phase: str) -> None:
        if not self._mutators and not any(map(custom_on, step_functions_of(self._cls).values())):
            return
        from dockerflow.flow.mutable import MutableFlow, MutableStep  # noqa: PLC0415 - most flows have none

        for mutator in self._mutators:  # which may get more while this goes on
            self._call(mutator, phase, MutableFlow(self._mutation(mutator, phase)))
        steps = step_functions_of(self._cls)
        for function in steps.values():
            for decorator in custom_on(function):
                if isinstance(decorator, StepMutator):
                    self._initialize(decorator)
        for name, function in steps.items():
            for decorator in _growing(function):
                if isinstance(decorator, StepMutator):
                    self._call(decorator, phase, MutableStep(self._mutation(decorator, phase), name))

    def _mutation(self, by: Custom, phase: str) -> Any:
        from dockerflow.flow.mutations import Mutation  # noqa: PLC0415 - most flows have none

        early = phase == "pre_mutate"
        return Mutation(self._cls, self._changes, self._configs, self._mutators, self._initialize, by, early)

    def _call(self, mutator: Any, phase: str, subject: Any) -> None:
        self._guarded(mutator, phase, lambda: getattr(mutator, phase)(subject))

    def _initialize(self, decorator: Any) -> None:
        """Call `init` with the arguments that the decorator was written with, once."""
        own = vars(decorator)
        if own.get("_initialized"):
            return
        own["_initialized"] = True
        kind, at = type(decorator), (own["_file"], own["_line"])
        try:
            own["_args"] = tuple(resolved(each, self._configs, keep=True) for each in own["_args"])
            own["_kwargs"] = unpacked(own["_kwargs"], self._configs, keep=True)
        except ExpressionError as error:
            self._problems.append(Problem(*at, f"`@{kind.__name__}`: {error.message}", error.hint))
            return
        has_init = kind.init is not Custom.init
        if own["_args"] and not kind._positional:
            hint = f"write `@{kind.__name__}(option=...)`"
            self._problems.append(Problem(*at, f"`@{kind.__name__}` is given a value without a name", hint))
        elif (own["_args"] or own["_kwargs"]) and not has_init:
            hint = "give its class a method `init(self, *args, **kwargs)`"
            self._problems.append(Problem(*at, f"`@{kind.__name__}` takes no options", hint))
        elif has_init:
            self._guarded(decorator, "init", lambda: decorator.init(*own["_args"], **own["_kwargs"]))

    def _guarded(self, decorator: Any, what: str, call: Callable[[], Any]) -> None:
        try:
            call()
        except FlowError:
            raise
        except Exception as error:
            at = place(vars(decorator)["_file"], vars(decorator)["_line"])
            message = f"{at}: `{what}` of `@{type(decorator).__name__}` failed"
            raise FlowFileError(message, traceback=traceback_of(error)) from error

    # What was written of configs

    def _resolve_class(self) -> None:
        """Replace expressions in the flow's own decorators, in parameters, and in class attributes."""
        for klass in classes_of(self._cls):
            own = written_on(klass)
            if any(has_expression((each.arguments, each.options)) for each in own):
                write_on(klass, list(self._resolved(own)), self._changes.set)
        for name, parameter in members_of(self._cls, lambda value: isinstance(value, Parameter)).items():
            if has_expression(parameter.written):
                at = parameter.file, parameter.line
                options = self._options(parameter.written, f"parameter `{parameter.name}`", at)
                self._changes.set(self._cls, name, parameter.taking(options))
        for name, value in members_of(self._cls, lambda value: isinstance(value, Expression)).items():
            try:
                self._changes.set(self._cls, name, resolved(value, self._configs))
            except ExpressionError as error:
                message = f"the attribute `{name}` of flow `{self._cls.__name__}`: {error.message}"
                raise FlowError(message, error.hint) from error

    def _resolved(self, decorators: List[WrittenDecorator]) -> Iterator[WrittenDecorator]:
        for each in decorators:
            if has_expression((each.arguments, each.options)):
                options = self._options(each.options, f"`@{each.name}`", (each.file, each.line))
                arguments = tuple(
                    self._options(dict(enumerate(each.arguments)), f"`@{each.name}`", (each.file, each.line)).values()
                )
                yield replace(each, arguments=arguments, options=options)
            else:
                yield each

    def _options(self, options: Mapping[Any, Any], whose: str, at: Tuple[str, int]) -> Dict[Any, Any]:
        """Options without expressions; one that has no value is a problem, and left out."""
        found: Dict[Any, Any] = {}
        for name, value in options.items():
            try:
                found.update(unpacked({name: value}, self._configs))
            except ExpressionError as error:
                self._problems.append(Problem(*at, f"{whose}: {error.message}", error.hint))
        return found


def _flow_mutators(cls: Any) -> List[FlowMutator]:
    """Those of base classes first, the nearest base before the others; of one class the lowest first."""
    found: List[FlowMutator] = []
    for klass in [*cls.__mro__[1:], cls]:
        found += [each for each in custom_on(klass) if isinstance(each, FlowMutator)]
    return found


def _growing(function: Any) -> Iterator[StepDecoratorBase]:
    """The decorators on a function, with those that are added meanwhile."""
    position = 0
    while position < len(custom_on(function)):
        yield custom_on(function)[position]
        position += 1
