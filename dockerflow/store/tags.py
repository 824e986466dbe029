"""What may be a tag of a run, and what a change of tags gives.

A run has system tags (who ran it, with what), which nobody changes, and tags of its user's. The rule is the same
wherever a tag comes from: `run --tag`, `dockerflow tag`, `Run.add_tag`, a step's outbox. Where the tags are kept is
`run_tags`' part.

Standard library only, Python 3.7.
"""

from __future__ import annotations

from typing import AbstractSet, FrozenSet, Iterable, Tuple

from dockerflow.lazy_dataclasses import dataclass
from dockerflow.store.errors import TaggingError

# As in Metaflow: characters of one tag, and tags of a user's on one run.
LONGEST = 500
MOST = 50


@dataclass(frozen=True)
class Change:
    """Tags to take away, and then tags to add. Made by `change`, which checks them."""

    remove: FrozenSet[str] = frozenset()
    add: FrozenSet[str] = frozenset()

    def apply(self, tags: AbstractSet[str], system: AbstractSet[str]) -> FrozenSet[str]:
        """The user's tags afterwards: a system tag is not added. Raises TaggingError for a removed system tag, and for
        more than `MOST` tags unless there were as many before."""
        wrong = sorted(self.remove & system)
        if wrong:
            raise TaggingError(
                f"the tag `{wrong[0]}` is a system tag of the run and cannot be removed",
                "only tags that a user has added can be",
            )
        after = (tags - self.remove) | (self.add - system)
        if len(after) > MOST and len(after) > len(tags):
            raise TaggingError(f"a run has {MOST} tags at most, and this would make {len(after)}", "remove some first")
        return frozenset(after)


def change(remove: Iterable[object] = (), add: Iterable[object] = ()) -> Change:
    """A change of tags. Raises TaggingError for one that says nothing, or has something that cannot be a tag."""
    removed, added = _several(remove, "remove"), _several(add, "add")
    if not removed and not added:
        raise TaggingError("no tag to add and none to remove", "name at least one tag")
    return Change(frozenset(map(tag, removed)), frozenset(map(tag, added)))


def new_tags(given: Iterable[object]) -> Tuple[str, ...]:
    """The tags of a new run, each once, in the order given. Raises TaggingError."""
    unique = tuple(dict.fromkeys(tag(one) for one in given))
    if len(unique) > MOST:
        raise TaggingError(f"a run has {MOST} tags at most, and {len(unique)} were given")
    return unique


def tag(given: object) -> str:
    """`given` as a tag: text, or UTF-8 in bytes, of 1 to `LONGEST` characters. Raises TaggingError for all else."""
    text = _text(given)
    if not text:
        raise TaggingError("a tag must not be empty")
    if len(text) > LONGEST:
        raise TaggingError(f"a tag has {LONGEST} characters at most, and `{text[:20]}…` has {len(text)}")
    return text


def _text(given: object) -> str:
    try:
        if isinstance(given, bytes):
            return given.decode()
        if isinstance(given, str):
            given.encode()
            return given
    except UnicodeError:
        raise TaggingError(f"the tag {given!a} is no text that UTF-8 can hold") from None
    raise TaggingError(f"a tag is text, not `{type(given).__name__}`")


def _several(given: Iterable[object], what: str) -> Tuple[object, ...]:
    if isinstance(given, (str, bytes)):
        raise TaggingError(f"the tags to {what} are one text, `{ascii(given)[:40]}`, not a list of them")
    try:
        return tuple(given)
    except TypeError:
        raise TaggingError(f"the tags to {what} are no list, but `{type(given).__name__}`") from None
