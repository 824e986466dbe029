"""What may be a tag, and what a change of tags gives: the rule is Metaflow's."""

from __future__ import annotations

from typing import Any

import pytest

from dockerflow.store.errors import TaggingError
from dockerflow.store.tags import LONGEST, MOST, Change, change, new_tags, tag

# The answers are those of Metaflow's `tagging_util.validate_tag`.
TAGS: list[Any] = [
    "plain",
    "with some spaces",
    "übung 猫 🐈",
    " ",
    "a/b:c,d\n",
    b"bytes",
    "ü".encode(),
    "x" * LONGEST,
]
NO_TAGS: list[Any] = ["x" * (LONGEST + 1), "", b"", b"\xff", "\ud800", None, 5, ["a"], ("a",)]


@pytest.mark.parametrize("value", TAGS, ids=ascii)
def test_text_of_any_kind_is_a_tag(value: Any) -> None:
    assert tag(value) in (value, value.decode() if isinstance(value, bytes) else value)


@pytest.mark.parametrize("value", NO_TAGS, ids=lambda value: ascii(value)[:20])
def test_what_is_empty_or_too_long_or_no_text_is_no_tag(value: Any) -> None:
    with pytest.raises(TaggingError):
        tag(value)


def test_bytes_are_a_tag_as_the_text_that_they_are() -> None:
    assert tag("ü".encode()) == "ü"


def test_tags_are_removed_first_and_added_then() -> None:
    assert change(remove=["a", "b"], add=["b", "c"]).apply({"a", "b", "d"}, set()) == {"b", "c", "d"}


def test_adding_a_system_tag_is_ignored() -> None:
    assert change(add=["user:ada", "x"]).apply({"y"}, {"user:ada"}) == {"x", "y"}


def test_removing_a_system_tag_is_an_error_that_names_it() -> None:
    with pytest.raises(TaggingError, match="`user:ada` is a system tag"):
        change(remove=["user:ada"], add=["x"]).apply({"y"}, {"user:ada"})


def test_a_tag_that_is_not_there_can_be_removed() -> None:
    assert change(remove=["z"]).apply({"y"}, set()) == {"y"}


@pytest.mark.parametrize("given", ["one text", b"bytes", 5, None])
def test_a_text_is_no_list_of_tags(given: Any) -> None:
    with pytest.raises(TaggingError):
        change(add=given)


def test_a_change_of_nothing_is_an_error() -> None:
    with pytest.raises(TaggingError, match="no tag to add"):
        change()


def test_a_run_has_so_many_tags_and_no_more() -> None:
    full = {f"tag {number}" for number in range(MOST)}
    with pytest.raises(TaggingError, match=f"{MOST} tags at most"):
        change(add=["one more"]).apply(full, set())
    with pytest.raises(TaggingError):
        new_tags([*sorted(full), "one more"])


def test_too_many_tags_from_elsewhere_can_be_reduced() -> None:
    over = {f"tag {number}" for number in range(MOST + 5)}
    assert len(change(remove=["tag 1"], add=["other"]).apply(over, set())) == MOST + 5


def test_a_new_run_has_each_tag_once_in_the_order_given() -> None:
    assert new_tags(["b", "a", b"b"]) == ("b", "a")


def test_an_empty_change_is_the_value_without_any_tags() -> None:
    assert Change().apply({"a"}, {"b"}) == {"a"}
