"""`current.card`: which card is meant, and that mistakes are warnings."""

from __future__ import annotations

import pytest

from dockerflow.cards.collector import CardComponentCollector
from dockerflow.cards.components import Markdown
from dockerflow.flow.definition import Card


def texts(collector: CardComponentCollector) -> list[list[str]]:
    """What is on each card, without the warnings."""
    return [[each._text for each in card if isinstance(each, Markdown)] for card in collector.cards]


@pytest.mark.parametrize(
    ("cards", "meant"),
    [
        ([Card()], 0),
        ([Card(id="a")], 0),
        ([Card(id="a"), Card()], 1),
        ([Card(id="a"), Card(id="b", customize=True)], 1),
        ([Card(), Card(id="a", customize=True)], 1),
        ([Card(id="a"), Card(id="b")], None),
        ([Card(), Card()], None),
    ],
)
def test_the_card_that_is_meant_without_an_id(cards, meant, capsys) -> None:
    collector = CardComponentCollector(cards)
    collector.append(Markdown("x"))
    assert texts(collector) == [["x"] if number == meant else [] for number in range(len(cards))]
    assert bool(capsys.readouterr().err) == (meant is None)


def test_a_card_is_found_by_its_id_and_its_type() -> None:
    collector = CardComponentCollector([Card(id="a"), Card("blank", id="b")])
    collector["b"].append(Markdown("one"))
    collector["b"].extend([Markdown("two")])
    assert [len(card) for card in collector.get("blank")] == [2]
    collector["b"] = [Markdown("three")]
    assert texts(collector) == [[], ["three"]]
    collector["b"].clear()
    assert texts(collector) == [[], []]


def test_components_have_names() -> None:
    collector = CardComponentCollector([Card()])
    collector.append(Markdown("x"), id="first")
    collector.components["second"] = Markdown("y")
    collector.components["first"].update("z")
    assert texts(collector) == [["z", "y"]]
    with pytest.raises(ValueError, match="there is a component `first` already"):
        collector.components["first"] = Markdown("x")
    del collector.components["first"]
    assert collector.components.keys() == ["second"]
    collector.components = [Markdown("all")]
    assert texts(collector) == [["all"]]


def test_mistakes_are_warnings(capsys) -> None:
    collector = CardComponentCollector([Card(id="a"), Card(id="a"), Card(id="b")])
    collector["a"].append(1)
    collector["x"].append(1)
    collector["b"].append("no component")
    collector["b"] = "no list"
    collector["b"].components["y"].update(1)
    collector.refresh()
    collector["b"].refresh({"a": 1})
    assert texts(collector) == [[], [], []]
    assert len(capsys.readouterr().err.splitlines()) == 6


def test_what_is_on_no_card_is_told_once_and_on_the_cards_too(capsys) -> None:
    collector = CardComponentCollector([Card(id="a"), Card(id="b")])
    for _ in range(3):
        collector.append(Markdown("x"))
        collector["c"].append(Markdown("x"))
    assert len(capsys.readouterr().err.splitlines()) == 2
    assert [len(card) for card in collector.cards] == [2, 2]
    assert "does not say which" in next(iter(collector["a"])).html()
