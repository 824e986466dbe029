"""Make the cards of a task that has ended well, and keep them among its artifacts.

They are one artifact of ours, `_cards`: for each card its type, its id and its page. A card that cannot be made fails
nothing: a line on stderr says so, and a page that says why takes its place.

Imported only for steps with `@card`. Standard library only, Python 3.7.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any, Callable, Iterator, List, Mapping, Optional, Tuple

from dockerflow.cards.collector import CardComponentManager
from dockerflow.cards.components import Error, short
from dockerflow.cards.page import About, Row, page
from dockerflow.flow.definition import Card, Flow
from dockerflow.flow.reads import Reads
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.runtime import time_limit
from dockerflow.runtime.messages import RunTask
from dockerflow.store.manifest import ArtifactRef

__all__ = ["CardSubject", "pages"]

# Inherited artifacts up to this size are read to be shown; of larger ones the type and size must do.
_READ = 64 * 1024

# A text at a glance, in characters.
_LONGEST = 2000

_TYPES = ("default", "blank")

# What is kept of one card: its type, its id, its page.
Kept = Tuple[str, Optional[str], str]


class _TookTooLong(BaseException):
    """No Exception: what a component does with those of its own must not keep this one."""


@dataclass(frozen=True)
class CardSubject:
    """The task that cards are about. `own` are the values that it has set, `refs` all of its artifacts as stored, among
    them the parameters: a page that shows them has read them."""

    flow: Flow
    request: RunTask
    refs: Mapping[str, ArtifactRef]
    own: Mapping[str, Any]
    load: Callable[[ArtifactRef], Any]
    reads: Reads


def pages(subject: CardSubject, cards: List[CardComponentManager]) -> List[Kept]:
    return [kept for each in cards for kept in _kept(subject, each)]


def _kept(subject: CardSubject, manager: CardComponentManager) -> Iterator[Kept]:
    card = manager.card
    if card.type not in _TYPES:
        _warn(f"there is no card of type `{card.type}`: step `{subject.request.step}` gets a default one")
    try:
        with time_limit.limited(card.timeout, _TookTooLong):
            made = page(_about(subject, card), list(manager))
    except (Exception, _TookTooLong) as error:  # noqa: BLE001 - whatever it shows is the user's
        took = isinstance(error, _TookTooLong)
        why = f"it took longer than {card.timeout:g} seconds" if took else f"{type(error).__name__}: {error}"
        _warn(f"the card of step `{subject.request.step}` could not be made: {why}")
        if card.save_errors:
            about = About(_pathspec(subject.request), plain=True)
            yield "error", card.id, page(about, [Error(why, "This card could not be made")])
        return
    yield card.type, card.id, made


def _warn(text: str) -> None:
    with suppress(AttributeError, OSError, ValueError):  # a stream that the user's code has closed
        print(f"@card: {text}", file=sys.stderr)


def _pathspec(request: RunTask) -> str:
    return f"{request.flow}/{request.run_id}/{request.step}/{request.task_id}"


def _about(subject: CardSubject, card: Card) -> About:
    options = dict(card.options)
    if card.type == "blank":
        return About(str(options.get("title", "")), plain=True)
    subject.reads.add_all()
    request = subject.request
    facts = [("step", request.step), ("task", request.task_id), ("attempt", str(request.attempt))]
    facts += [("user", request.user)] if request.user else []
    names = {each.attribute for each in subject.flow.parameters}
    rows = {name: _row(subject, name) for name in sorted(subject.refs) if not name.startswith("_")}
    return About(
        title=_pathspec(request),
        facts=facts,
        parameters=[row for name, row in rows.items() if name in names],
        artifacts=[row for name, row in rows.items() if name not in names],
    )


def _row(subject: CardSubject, name: str) -> Row:
    ref = subject.refs[name]
    if name in subject.own:
        text = short(subject.own[name])
    elif ref.size <= _READ:
        text = _loaded(subject, ref)
    else:
        text = "(set by an earlier step, and too large to be read for this card)"
    return Row(name, ref.type, ref.size, text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …")


def _loaded(subject: CardSubject, ref: ArtifactRef) -> str:
    """An inherited artifact may need libraries that this step does not have."""
    try:
        return short(subject.load(ref))
    except Exception as error:  # noqa: BLE001 - the class may be the user's, and not be here
        return f"(cannot be read in this step: {type(error).__name__})"
