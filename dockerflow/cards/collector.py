"""`current.card`: where a step puts what it wants to show.

    current.card.append(Markdown("..."))      the card, if the step has one, or the one that is meant without an id
    current.card["a"].append(Table(...))      the card with `@card(id="a")`
    current.card["a"].components["bar"].update(5)

As in Metaflow, what is wrong here is a warning on stderr, never an error: a report does not fail a step.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import sys
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Set

from dockerflow.cards.components import Error, MetaflowCardComponent
from dockerflow.flow.definition import Card

__all__ = ["CardComponentCollector", "CardComponentManager", "Components"]


def _warn(text: str) -> None:
    print(f"@card: {text}", file=sys.stderr)


class Components:
    """The components of one card, in their order; each has a name, its `id`, given or made up."""

    def __init__(self, components: Iterable[Any] = ()) -> None:
        self._found: Dict[str, MetaflowCardComponent] = {}
        self._count = 0
        self.extend(components)

    def append(self, component: Any, id: Optional[str] = None) -> None:
        if not isinstance(component, MetaflowCardComponent):
            _warn(f"a `{type(component).__name__}` is no component, and left out")
            return
        self._count += 1
        component.component_id = id or component.component_id or f"component_{self._count}"
        self._found[component.component_id] = component

    def extend(self, components: Iterable[Any]) -> None:
        for component in components:
            self.append(component)

    def clear(self) -> None:
        self._found.clear()

    def keys(self) -> List[str]:
        return list(self._found)

    def values(self) -> List[MetaflowCardComponent]:
        return list(self._found.values())

    def __getitem__(self, id: str) -> MetaflowCardComponent:
        if id not in self._found:
            _warn(f"there is no component `{id}`")
            return MetaflowCardComponent()
        return self._found[id]

    def __setitem__(self, id: str, component: Any) -> None:
        if id in self._found:
            raise ValueError(f"there is a component `{id}` already: `update` it, or assign all of `components`")
        self.append(component, id)

    def __delitem__(self, id: str) -> None:
        del self._found[id]

    def __contains__(self, id: object) -> bool:
        return id in self._found

    def __iter__(self) -> Iterator[MetaflowCardComponent]:
        return iter(self._found.values())

    def __len__(self) -> int:
        return len(self._found)


class CardComponentManager:
    """One card."""

    def __init__(self, card: Card) -> None:
        self.card = card
        self._components = Components()

    @property
    def components(self) -> Components:
        return self._components

    @components.setter
    def components(self, components: Iterable[Any]) -> None:
        self._components = Components(components)

    def append(self, component: Any, id: Optional[str] = None) -> None:
        self._components.append(component, id)

    def extend(self, components: Iterable[Any]) -> None:
        self._components.extend(components)

    def clear(self) -> None:
        self._components.clear()

    def refresh(self, data: Any = None, force: bool = False) -> None:
        """Nothing, so far: the card is made when the task ends."""

    def __iter__(self) -> Iterator[MetaflowCardComponent]:
        return iter(self._components)

    def __len__(self) -> int:
        return len(self._components)


class CardComponentCollector:
    """All cards of a step. What it has of one card's methods is for the one that is meant without an id: the only
    one, or the only one without an id, or the one that says `customize=True`."""

    def __init__(self, cards: Sequence[Card]) -> None:
        self.cards = [CardComponentManager(card) for card in cards]
        ids = [card.id for card in cards if card.id is not None]
        self._by_id = {
            each.card.id: each for each in self.cards if each.card.id is not None and ids.count(each.card.id) == 1
        }
        for several in dict.fromkeys(each for each in ids if ids.count(each) > 1):
            _warn(f"the id `{several}` is that of several cards, so `current.card[{several!r}]` is none of them")
        self._meant = self._choose()
        self._told: Set[str] = set()

    def _choose(self) -> Optional[CardComponentManager]:
        customized = [each for each in self.cards if each.card.customize]
        nameless = [each for each in self.cards if each.card.id is None]
        for candidates in (self.cards, customized, nameless):
            if len(candidates) == 1:
                return candidates[0]
        return None

    def _card(self, doing: str) -> CardComponentManager:
        if self._meant is None:
            self._tell(
                f"the step has several cards, and `current.card.{doing}` does not say which: use `current.card[id]`"
            )
            return CardComponentManager(Card())
        return self._meant

    def _tell(self, text: str) -> None:
        """Warn of something that is on no card; once, and on the cards too, where its author will look for it."""
        if text not in self._told:
            self._told.add(text)
            _warn(text)
            for each in self.cards:
                each.append(Error(text, "@card"))

    @property
    def components(self) -> Components:
        return self._card("components").components

    @components.setter
    def components(self, components: Iterable[Any]) -> None:
        self._card("components").components = components

    def append(self, component: Any, id: Optional[str] = None) -> None:
        self._card("append").append(component, id)

    def extend(self, components: Iterable[Any]) -> None:
        self._card("extend").extend(components)

    def clear(self) -> None:
        self._card("clear").clear()

    def refresh(self, data: Any = None, force: bool = False) -> None:
        """Nothing, so far: cards are made when the task ends."""

    def get(self, type: Optional[str] = None) -> List[CardComponentManager]:
        """The cards of a type."""
        return [each for each in self.cards if each.card.type == type]

    def __getitem__(self, id: str) -> Any:
        if id not in self._by_id:
            self._tell(f"the step has no `@card(id={id!r})`, so what is put on it is not shown")
            return []
        return self._by_id[id]

    def __setitem__(self, id: str, components: Any) -> None:
        if id not in self._by_id:
            _warn(f"the step has no `@card(id={id!r})`, so what is put on it is not shown")
        elif not isinstance(components, list):
            _warn(f"`current.card[{id!r}]` takes a list of components")
        else:
            self._by_id[id].components = Components(components)

    def __iter__(self) -> Iterator[MetaflowCardComponent]:
        return iter(self.components)
