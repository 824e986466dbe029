"""What a step puts on its card: as HTML, escaped, whatever it is."""

from __future__ import annotations

import pandas
import pytest

from dockerflow.cards import (
    Artifact,
    Error,
    EventsTimeline,
    Image,
    JSONViewer,
    Markdown,
    MetaflowCardComponent,
    ProgressBar,
    PythonCode,
    Table,
    ValueBox,
    VegaChart,
    YAMLViewer,
)
from dockerflow.cards.components import short
from dockerflow.cards.page import LARGEST, About, Row, page

EVIL = '<script>alert("x")</script>'


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class Own(MetaflowCardComponent):
    def __init__(self, shown: object) -> None:
        self.shown = shown

    def render(self) -> object:
        return self.shown


COMPONENTS = [
    Artifact(EVIL, name=EVIL),
    Artifact(Hostile()),
    Artifact([EVIL], compressed=False),
    Table([[EVIL, 1, Markdown(EVIL), Artifact(EVIL)]], headers=[EVIL]),
    Table(),
    Table.from_dataframe(pandas.DataFrame({EVIL: [EVIL] * 100}, index=range(100))),
    Table.from_dataframe("no frame"),
    Image(EVIL),
    Image(b"\x89PNG....", EVIL),
    Image(b"nothing"),
    Image.from_pil_image(Hostile()),
    Error(ValueError(EVIL), EVIL),
    Error(EVIL),
    Markdown(EVIL),
    Markdown(None),
    ProgressBar(10, EVIL, 3, EVIL, EVIL),
    ValueBox(EVIL, EVIL, EVIL, EVIL, EVIL),
    VegaChart({"title": EVIL, "data": {"values": [Hostile()]}}),
    PythonCode(code_string=EVIL),
    PythonCode(len),
    JSONViewer({EVIL: Hostile()}, title=EVIL),
    YAMLViewer({"a": [EVIL, {}], EVIL: {"b": 1}}),
    Own(EVIL),
    Own({"a": EVIL}),
    MetaflowCardComponent(),
]


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda each: type(each).__name__)
def test_a_page_shows_any_component_and_runs_nothing(component: MetaflowCardComponent) -> None:
    shown = page(About(EVIL, [("step", EVIL)], [Row(EVIL, EVIL, 1, EVIL)]), [component])
    assert "<script" not in shown
    assert shown == page(About(EVIL, [("step", EVIL)], [Row(EVIL, EVIL, 1, EVIL)]), [component])


def test_updates_are_what_is_shown() -> None:
    bar, box, artifact, events = ProgressBar(), ValueBox("a", 1), Artifact(1), EventsTimeline("t", max_events=2)
    bar.update(7, "soon")
    box.update(value=2)
    artifact.update("later")
    for number in range(3):
        events.update({"n": number}, payloads={"more": Markdown("**x**")})
    assert 'value="7"' in bar.html()
    assert "soon" in bar.html()
    assert "<span class=title>a</span><span class=value>2</span>" in box.html()
    assert "later" in artifact.html()
    assert events.get_stats()["total_events"] == 2
    assert "<b>n</b> 2" in events.html()
    assert "<b>n</b> 0" not in events.html()


def test_a_component_that_fails_says_so_in_its_place() -> None:
    shown = page(About("t"), [MetaflowCardComponent(), Markdown("after it")])
    assert "`MetaflowCardComponent` could not be shown" in shown
    assert "after it" in shown


def test_a_page_is_limited_in_size() -> None:
    image = Image(b"\x89PNG" + bytes(LARGEST))
    shown = page(About("t"), [Markdown("before it"), image, Markdown("after it")])
    assert len(shown) < LARGEST
    assert "more than fit on a card" in shown
    assert "before it" in shown
    assert "after it" in shown


def test_a_large_frame_says_how_much_of_it_is_shown() -> None:
    assert "60 of 1,000 rows" in Table.from_dataframe(pandas.DataFrame({"a": range(1000)})).html()
    assert "rows" not in Table.from_dataframe(pandas.DataFrame({"a": range(1000)}), truncate=False).html()


def test_pictures_come_from_libraries_that_draw() -> None:
    class Figure:
        def savefig(self, buffer, format, **options) -> None:
            buffer.write(b"\x89PNG-" + format.encode())

    class Axes:
        def get_figure(self) -> Figure:
            return Figure()

    class Picture:
        def save(self, buffer, format) -> None:
            buffer.write(b"\x89PNG-" + format.encode())

    shown = [Image.from_matplotlib(Figure()), Image.from_matplotlib(Axes()), Image.from_pil_image(Picture())]
    assert [each.html().count("data:image/png;base64,") for each in shown] == [1, 1, 1]


def test_a_glance_at_a_large_value_is_short() -> None:
    for value in ("x" * 10**6, b"x" * 10**6, list(range(10**5)), {n: n for n in range(1000)}):
        assert len(short(value)) < 1000
