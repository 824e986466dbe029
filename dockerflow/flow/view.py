"""What one instance of a flow sees of its task: inherited artifacts, parameters, its place in foreaches.

`runtime.task` makes a view for the task that runs, and one for each of a join's `inputs`; `spec.FlowSpec` shows it
to the user as attributes. Nothing is loaded before it is asked for.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from dataclasses import field
from itertools import islice
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from dockerflow.flow.definition import Flow, Step
from dockerflow.flow.reads import Reads
from dockerflow.lazy_dataclasses import dataclass

__all__ = ["CARDS", "FOREACH_ITEMS", "FOREACH_STACK", "INTERNAL", "Level", "Taken", "View", "item_of", "items_of"]

# Artifacts of ours among the user's: never inherited, never merged.
FOREACH_STACK = "_foreach_stack"  # of a task inside a foreach: (step, variable, index, size, manifest) for every level
FOREACH_ITEMS = "_foreach_items"  # of a task that splits over something whose order another process may not repeat
CARDS = "_cards"  # of a task of a step with `@card`: (type, id, page) for each card
INTERNAL = frozenset((FOREACH_STACK, FOREACH_ITEMS, CARDS))


@dataclass(frozen=True)
class Level:
    """One foreach around a task: split `index` of `size` over `variable`; `item` loads the value of this split.

    A gang is one as well, over no variable and, as in Metaflow, of no size, whose items are the tasks' numbers.
    """

    step: str
    variable: str
    index: int
    size: Optional[int]
    item: Callable[[], Any]


@dataclass(frozen=True)
class Taken:
    """What `self.next` was called with, and of a switch what it chose: as in `store.records.Transition`. `items` are
    kept where the variable of a foreach itself has no lasting order.
    """

    steps: Tuple[str, ...]
    foreach: Optional[str] = None
    size: Optional[int] = None
    items: Optional[List[Any]] = None
    gang: bool = False


@dataclass
class View:
    """A task, or a finished one as an input. `refs` are opaque, but their `sha256` is equal for equal values."""

    flow: Flow
    step: Step
    refs: Dict[str, Any]
    load: Callable[[Any], Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    foreach: Callable[[], Sequence[Level]] = tuple
    running: bool = False  # whether this is the task itself and not one of its inputs
    reads: Reads = field(default_factory=Reads)  # the task's, which its inputs share
    taken: Optional[Taken] = None
    loaded: Dict[str, Any] = field(default_factory=dict)  # inherited artifacts and parameters that were asked for
    _items: Dict[int, Any] = field(default_factory=dict)

    def artifact(self, name: str) -> Any:
        """Load an inherited artifact. Raises KeyError where there is none."""
        self.reads.add(name)  # which is a parameter where the flow had one of that name when the run's were given
        value = self.load(self.refs[name])
        self.loaded[name] = value
        return value

    def level_items(self) -> List[Any]:
        levels = self.foreach()
        for position, level in enumerate(levels):
            if position not in self._items:
                self._items[position] = level.item()
        return [self._items[position] for position in range(len(levels))]

    def innermost_item(self) -> Any:
        levels = self.foreach()
        if not levels:
            return None
        position = len(levels) - 1
        if position not in self._items:
            self._items[position] = levels[position].item()
        return self._items[position]

    def handed_out(self) -> List[Any]:
        """The values that the user's code was given, and may have changed."""
        return [*self.loaded.values(), *self._items.values()]

    def public(self) -> List[str]:
        return sorted(name for name in self.refs if not name.startswith("_") and name not in self.parameters)


def items_of(value: Any) -> Tuple[int, Optional[List[Any]]]:
    """How many items there are; and the items, unless `item_of` finds them again in the stored value.

    Raises TypeError for what cannot be iterated over, or only once.
    """
    if isinstance(value, (list, tuple, str, bytes, range)) or _array(value):
        return len(value), None
    iterator = iter(value)
    if iterator is value:
        raise TypeError(f"a `{type(value).__name__}` gives its items only once")
    items = list(iterator)
    return len(items), _subscripted(value, len(items)) or items


def item_of(value: Iterable[Any], index: int) -> Any:
    """Item `index` in the order of iteration."""
    if isinstance(value, (list, tuple, str, bytes, range)) or _array(value):
        return value[index]  # type: ignore[index]
    return next(islice(value, index, None))


def _subscripted(value: Any, count: int) -> Optional[List[Any]]:
    """`value[0]`, `value[1]`, and so on, where it has all of them: what Metaflow takes for the items, for a pandas
    object not the same as those it iterates over. None where it has not: a dictionary most often has no key `0`.
    """
    if not hasattr(value, "__getitem__"):
        return None
    try:
        return [value[index] for index in range(count)]
    except Exception:  # noqa: BLE001 - it may be the user's own class
        return None


def _array(value: Any) -> bool:
    kind = type(value)
    return kind.__module__ == "numpy" and kind.__name__ == "ndarray" and value.ndim > 0
