"""The cards of a task: `get_cards(task)`, or with its pathspec.

    for card in get_cards("Flow/run/step/task"):
        print(card.type, card.id, card.get())

They show themselves in notebooks. `dockerflow.cards` has the names for users.
"""

from __future__ import annotations

import hashlib
from html import escape
from typing import Any, Iterator, List, Optional, Union

from dockerflow.client.errors import InvalidPathspec
from dockerflow.client.task import Task
from dockerflow.flow.view import CARDS

__all__ = ["Card", "CardContainer", "get_cards"]


class Card:
    """One card: its `type`, the `id` from `@card(id=…)`, and `hash`, the SHA-1 of its page."""

    def __init__(self, task: str, kind: str, card_id: Optional[str], html: str) -> None:
        self.type, self.id = kind, card_id
        self.hash = hashlib.sha1(html.encode()).hexdigest()
        self._task, self._html = task, html

    @property
    def path(self) -> str:
        """What tells this card from others: the task, the type, the id and the hash."""
        return "/".join([self._task, "-".join(filter(None, [self.type, self.id, self.hash])) + ".html"])

    def get(self) -> str:
        """The page, as HTML."""
        return self._html

    def view(self) -> None:
        """Open the page in a browser."""
        import tempfile  # noqa: PLC0415 - for this alone
        import webbrowser  # noqa: PLC0415

        with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8", delete=False) as stream:
            stream.write(self._html)
        webbrowser.open(f"file://{stream.name}")

    def _repr_html_(self) -> str:
        style = "width:100%;height:40rem;border:0"
        return f'<iframe sandbox srcdoc="{escape(self._html)}" style="{style}"></iframe>'

    def __repr__(self) -> str:
        return f"<Card at '{self.path}'>"


class CardContainer:
    """The cards of a task, in the order of their decorators: a list that cannot be changed."""

    def __init__(self, cards: List[Card]) -> None:
        self._cards = tuple(cards)

    def __len__(self) -> int:
        return len(self._cards)

    def __iter__(self) -> Iterator[Card]:
        return iter(self._cards)

    def __getitem__(self, index: int) -> Card:
        return self._cards[index]

    def _repr_html_(self) -> str:
        return "\n".join(f"<h1>{escape(each.type)}</h1>{each._repr_html_()}" for each in self)

    def __repr__(self) -> str:
        return f"CardContainer({list(self._cards)!r})"


def get_cards(
    task: Union[str, Task], id: Optional[str] = None, type: Optional[str] = None, follow_resumed: bool = True
) -> CardContainer:
    """The cards of a task or of the task with this pathspec, those with the `id` and of the `type` alone if given.

    A resumed run has the cards of the tasks that it took over, with `follow_resumed` or without.
    """
    found: Any = Task(task, _namespace_check=False) if isinstance(task, str) else task
    if not isinstance(found, Task):
        raise InvalidPathspec(f"`{task!r}` is no task", "give a `Task`, or a text like `Flow/run/step/task`")
    kept = found[CARDS].data if CARDS in found else []
    cards = [Card(found.pathspec, kind, card_id, html) for kind, card_id, html in kept]
    return CardContainer([each for each in cards if id in (None, each.id) and type in (None, each.type)])
