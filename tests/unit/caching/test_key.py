"""Keys, and the first part in which two differ."""

from __future__ import annotations

import pytest

from dockerflow.caching import explaining
from dockerflow.caching.key import MANY, Key, Part, difference, shortened
from dockerflow.environments.lock import Lock, LockedPackage

PARTS = (Part("code", {"f()": "1", "flow.py": "2"}), Part("inputs", {"0/start/x": "3"}))


def key(parts: tuple[Part, ...] = PARTS, flow: str = "F", step: str = "f", place: str = "alone") -> Key:
    return Key(flow, step, place, parts)


def test_a_key_is_the_same_whatever_the_order_of_items():
    turned = Part("code", dict(reversed(PARTS[0].items.items())))
    assert key().digest == key((turned, PARTS[1])).digest
    assert len(key().digest) == 64


def test_a_key_does_not_change_from_version_to_version():
    """Results of years would be found no more. Raise `key.VERSION` where that is meant."""
    assert key().digest == "d9fdc02192e611ce8a6edcf00c263d686a38979baf740d1aa1f441ca005399e3"


@pytest.mark.parametrize(
    "other",
    [
        key(flow="G"),
        key(step="g"),
        key((PARTS[0],)),
        key((PARTS[0], Part("inputs", {"0/start/x": "4"}))),
        key((PARTS[0], Part("inputs", {"0/start/y": "3"}))),
        key((PARTS[0], Part("foreach", {"0/start/x": "3"}))),
        key((PARTS[0], Part("inputs", {"0/start/x": "3", "0/start/y": "3"}))),
    ],
)
def test_whatever_differs_makes_another_key(other: Key):
    assert other.digest != key().digest


def test_the_place_is_only_where_one_looks_for_what_to_compare():
    assert key(place="7").digest == key().digest


def test_the_first_part_that_differs_is_told_with_all_of_it():
    now = (Part("code", {"f()": "1", "g.py": "2"}), Part("inputs", {}))
    assert difference(PARTS, now) == Part("code", {"flow.py": "is gone", "g.py": "is new"})
    assert difference(PARTS, PARTS) is None
    assert difference((), PARTS) == Part("code", {"f()": "is new", "flow.py": "is new"})


def test_what_is_too_large_to_be_remembered_is_compared_as_a_whole():
    large = Part("inputs", {f"{number}/work/x": "1" for number in range(MANY + 1)})
    other = Part("inputs", {**large.items, "0/work/x": "2"})
    assert shortened(PARTS[0]) == PARTS[0]
    assert len(shortened(large).items) == 1
    assert difference([shortened(large)], [large]) is None
    changed = difference([shortened(large)], [other])
    assert changed is not None
    assert explaining.words(changed) == "inputs: they differ"
    assert difference([PARTS[1]], [large]) is not None


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (Part("code", {"train()": "differs"}), "code: step `train` differs"),
        (Part("code", {"a/b.py": "is new"}), "code: `a/b.py` is new"),
        (Part("inputs", {"0/start/x": "differs"}), "inputs: artifact `x` of step `start` differs"),
        (
            Part("inputs", {f"{number}/work/x": "differs" for number in range(1200)}),
            "inputs: artifact `x` of step `work` differs in 1,200 inputs",
        ),
        (Part("inputs", {"3/work": "is new"}), "inputs: a task of step `work` is new"),
        (Part("foreach", {"0/start/xs": "differs"}), "foreach: the list `xs` of step `start` differs"),
        (Part("foreach", {"0/index": "differs"}), "foreach: the place in the list differs"),
        (Part("configs", {"settings": "is gone"}), "configs: `settings` is gone"),
        (Part("image", {"linux/amd64": "differs"}), "image: that for linux/amd64 differs"),
        (Part("options", {"environment/A/B": "differs"}), "options: variable `A/B` of `@environment` differs"),
        (Part("options", {"card/0": "differs"}), "options: `@card` differs"),
        (Part("parameters", {"alpha": "differs"}), "parameters: `alpha` differs"),
        (
            Part("parameters", dict.fromkeys("abcde", "differs")),
            "parameters: `a` differs, `b` differs, `c` differs and 2 more",
        ),
    ],
)
def test_a_difference_in_words(part: Part, words: str):
    assert explaining.words(part) == words


def lock(**versions: str) -> Lock:
    packages = tuple(
        LockedPackage("conda", name, version.partition("=")[0], "", "", version, None, None)
        for name, version in versions.items()
    )
    return Lock("linux-64", packages, (), (), "")


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        (lock(pandas="1"), lock(pandas="1"), ""),
        (lock(pandas="1.5"), lock(pandas="2.2"), "pandas 1.5 → 2.2"),
        (lock(pandas="1=a"), lock(pandas="1=b"), "pandas 1, another build"),
        (lock(pandas="1"), lock(numpy="2"), "+ numpy 2, - pandas 1"),
        (lock(), lock(a="1", b="1", c="1", d="1"), "+ a 1, + b 1, + c 1 and 1 more"),
    ],
)
def test_what_of_two_locks_differs(before: Lock, now: Lock, words: str):
    assert explaining.packages(before, now) == words
