"""What is said when a run begins of steps that ask for another machine without naming it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from dockerflow.flow.definition import Cache, Elsewhere, Flow, Local, Remote, Step, StepDecorator
from dockerflow.scheduler.notes import notes

REST = "resources and image count, what is for a cluster is ignored"


def flow(*decorators: tuple[StepDecorator, ...]) -> Flow:
    names = ("start", "train", "end")[: len(decorators)]
    steps = {name: Step(name, "flow.py", 1, "", (), decorators=of) for name, of in zip(names, decorators, strict=True)}
    return Flow("F", "/flow.py", 1, "", steps)


@pytest.mark.parametrize(
    ("places", "where"),
    [
        ({}, "here"),
        ({"start": ("local",)}, "here"),
        ({"start": ("remote",)}, "on `remote`"),
        ({"start": ("a", "b")}, "on `a` or `b`"),
    ],
)
def test_a_step_for_another_machine_is_said_to_run_where_it_does(
    places: Mapping[str, tuple[str, ...]], where: str
) -> None:
    assert list(notes(flow((Elsewhere("batch"),)), places)) == [f"`@batch`: step `start` runs {where}; {REST}"]


def test_each_place_has_a_line() -> None:
    marked = flow((Elsewhere("batch"),), (Elsewhere("kubernetes"),), (Elsewhere("batch"),))
    assert list(notes(marked, {"start": ("remote",), "train": ("local",), "end": ("remote",)})) == [
        f"`@batch`: steps `start`, `end` run on `remote`; {REST}",
        f"`@kubernetes`: step `train` runs here; {REST}",
    ]


def test_a_step_that_names_its_place_is_where_it_says() -> None:
    assert not list(notes(flow((Elsewhere("batch"), Remote(("a",))), (Elsewhere("batch"), Local()))))


def test_cached_steps_without_images_are_said_to_be_as_any_others() -> None:
    cached = flow((Cache(),), (), (Cache(),))
    assert list(notes(cached)) == []
    assert list(notes(cached, containers=False)) == [
        "`@cache` of steps `start`, `end`: no image says what is in this Python, so no result is reused or kept"
    ]
