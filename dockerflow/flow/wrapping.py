"""Run a step within the decorators that users have written for it.

The topmost decorator is the outermost: its `pre_step` comes first and its `post_step` last. One that gives a function,
or leaves the step out, ends the way inwards; on the way out each may take an exception away or give another. Where the
step itself did not call `self.next`, it is called for it with what the step's source says.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Tuple

from dockerflow.flow.custom import UserStepDecorator, custom_on
from dockerflow.flow.definition import Step
from dockerflow.flow.errors import StepError
from dockerflow.flow.spec import view_of
from dockerflow.flow.view import Taken, items_of

__all__ = ["call_step"]


def call_step(step: Any, arguments: Tuple[Any, ...]) -> None:
    """Call a step, a method of a running flow. Raises what it raises, or what its decorators make of that."""
    decorators = [each for each in custom_on(step.__func__) if isinstance(each, UserStepDecorator)]
    if decorators:
        _Call(step, arguments, decorators).run()
    else:
        step(*arguments)


class _Call:
    """One call of a step; `_options` are those that `self.next` is to be called with for it, {} for the step's own."""

    def __init__(self, step: Any, arguments: Tuple[Any, ...], decorators: List[UserStepDecorator]) -> None:
        self._flow, self._function, self._arguments, self._decorators = step.__self__, step, arguments, decorators
        self._step: Step = view_of(self._flow).step
        self._options: Optional[Dict[str, Any]] = None
        self._instead: Optional[Callable[..., Any]] = None
        self._failure: Optional[Exception] = None

    def run(self) -> None:
        entered = self._enter()
        failed = self._call()
        for decorator in reversed(entered):
            self._leave(decorator)
        if self._failure is not None:
            raise self._failure
        if self._options is None and failed:
            self._options = {}
        if self._options is not None:
            self._next(self._options)

    def _enter(self) -> List[UserStepDecorator]:
        inputs = self._arguments[0] if self._arguments else None
        entered = []
        for decorator in reversed(self._decorators):
            self._instead = decorator.pre_step(self._step.name, self._flow, inputs)
            entered.append(decorator)
            if decorator.skip_step:
                self._options = self._asked(decorator.skip_step)
            if decorator.skip_step or self._instead:
                break
        return entered

    def _call(self) -> bool:
        """Call the step, or what stands for it, and return whether it failed."""
        if self._options is not None:
            return False
        try:
            if self._instead:
                self._options = self._asked(self._instead(self._flow, *self._arguments) or None)
            else:
                self._function(*self._arguments)
        except Exception as error:  # noqa: BLE001 - the decorators around the step are told of it
            self._failure = error
        return self._failure is not None

    def _leave(self, decorator: UserStepDecorator) -> None:
        try:
            said = decorator.post_step(self._step.name, self._flow, self._failure)
        except Exception as error:  # noqa: BLE001 - it takes the place of the step's own
            said = error
        if said is None or isinstance(said, Exception):
            self._failure = said
        elif isinstance(said, tuple) and len(said) == 2:
            self._failure, options = said
            self._options = self._asked(options)
        else:
            raise StepError(
                f"`post_step` of `{type(decorator).__name__}` returned `{said!r}`",
                "it returns an exception, None, or a pair of that and of options for `self.next`",
            )

    def _asked(self, said: Any) -> Optional[Dict[str, Any]]:
        """What was said of `self.next`: None or False is nothing, True what the step says."""
        if said is None or said is False:
            return None
        if said is True or isinstance(said, dict):
            return {} if said is True else said
        raise StepError(
            f"a decorator of step `{self._step.name}` gives `{said!r}` for `self.next`",
            "it gives True, or a dictionary of options",
        )

    def _next(self, options: Dict[str, Any]) -> None:
        view, step = view_of(self._flow), self._step
        if not step.next:
            return
        view.taken = None
        if not options and step.gang:
            raise StepError(
                f"step `{step.name}` starts a gang, and its decorator leaves out how many tasks that has",
                "give the options: `yield {'num_parallel': 4}`",
            )
        if step.foreach and not step.gang and set(options) <= {"foreach"}:
            view.taken = self._items(str(options.get("foreach", step.foreach)))
        elif step.condition and "condition" not in options:
            cases = {value: getattr(self._flow, name) for value, name in step.cases}
            self._flow.next(cases, condition=step.condition, **options)
        else:
            self._flow.next(*(getattr(self._flow, name) for name in step.next), **options)

    def _items(self, variable: str) -> Taken:
        """A foreach over another variable than the one that the source names is one over the same items of that."""
        step = self._step
        if variable == step.foreach:
            self._flow.next(*(getattr(self._flow, name) for name in step.next), foreach=variable)
            taken: Taken = view_of(self._flow).taken  # type: ignore[assignment]
            return taken
        value = getattr(self._flow, variable)
        size, items = items_of(value)
        return Taken(step.next, step.foreach, size, list(value) if items is None else items)
