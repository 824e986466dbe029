"""Our verdict on a graph is that of Metaflow's linter: both accept it, or both reject it.

Half of the graphs are arbitrary. The others are made right, by nesting splits, foreaches and joins, and then changed in
up to two places, so that the rules are tried where they are close to holding.
"""

from __future__ import annotations

import importlib.util
import itertools
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dockerflow.flow.checks import problems
from dockerflow.flow.loading import load
from tests.unit.flow.sources import graph

Graph = dict[str, tuple[list[str], str | None, bool]]

NAMES = [f"s{number}" for number in range(5)]
_numbers = itertools.count()


@st.composite
def arbitrary(draw: Any) -> Graph:
    names = ["start", *NAMES[: draw(st.integers(0, 4))], "end"]
    steps: Graph = {}
    for name in names:
        following = draw(st.lists(st.sampled_from(names[1:]), min_size=1, max_size=3))
        foreach = draw(st.booleans()) if len(following) == 1 else False
        steps[name] = (
            [] if name == "end" else following,
            "xs" if foreach and name != "end" else None,
            draw(st.booleans()),
        )
    steps["start"] = (*steps["start"][:2], False)
    steps["end"] = ([], None, False)
    return steps


@st.composite
def nested(draw: Any) -> Graph:
    steps: Graph = {}
    count = itertools.count()

    def block(after: str, depth: int) -> str:
        """Add steps that end with `after`, and return the name of their first."""
        kind = draw(st.sampled_from(["step", "chain", "split", "foreach"])) if depth else "step"
        name = f"s{next(count)}"
        if kind == "step":
            steps[name] = [after], None, False
        elif kind == "chain":
            steps[name] = [block(block(after, depth - 1), depth - 1)], None, False
        else:
            join = f"s{next(count)}"
            steps[join] = [after], None, True
            branches = range(1 if kind == "foreach" else draw(st.integers(2, 3)))
            steps[name] = [block(join, depth - 1) for _ in branches], "xs" if kind == "foreach" else None, False
        return name

    first = block("end", draw(st.integers(1, 3)))
    steps = {"start": ([first], None, False), **steps, "end": ([], None, False)}
    for _ in range(draw(st.integers(0, 2))):
        _change(draw, steps)
    return steps


def _change(draw: Any, steps: Graph) -> None:
    name = draw(st.sampled_from(list(steps)))
    following, foreach, join = steps[name]
    what = draw(st.sampled_from(["redirect", "join", "add", "drop", "foreach"]))
    if what == "join":
        steps[name] = following, foreach, not join
    elif what == "add":
        steps[name] = [*following, draw(st.sampled_from(list(steps)))], None, join
    elif what == "drop":
        steps[name] = following[:-1], foreach if following[:-1] else None, join
    elif what == "foreach" and len(following) == 1:
        steps[name] = following, None if foreach else "xs", join
    elif following:
        steps[name] = [draw(st.sampled_from(list(steps))), *following[1:]], foreach, join


def _metaflow_accepts(path: Path) -> bool:
    from metaflow.lint import linter  # noqa: PLC0415 - slow to import

    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
        linter.run_checks(module.Graph._graph)
    except Exception:  # noqa: BLE001 - some graphs that are wrong make it fail in other ways
        return False
    finally:
        del sys.modules[path.stem]
    return True


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("graphs")


@pytest.mark.filterwarnings("ignore")  # those of Metaflow
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(arbitrary(), nested(), nested()))
def test_verdict_is_metaflows(folder: Path, steps: Graph) -> None:
    number = next(_numbers)
    ours, theirs = folder / f"ours_{number}.py", folder / f"theirs_{number}.py"
    ours.write_text(graph(steps))
    theirs.write_text(graph(steps, "metaflow"))
    found = problems(load(ours).flow)
    assert (found == []) == _metaflow_accepts(theirs), found
