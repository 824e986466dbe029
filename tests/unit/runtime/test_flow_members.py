"""What a step finds on `self` besides its artifacts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.driver import drive
from tests.unit.flow.sources import written

FLOW = """
        class F(FlowSpec):
            p = Parameter("p", default=1)
            constant = 3
            @property
            def doubled(self):
                return 2 * self.x
            @step
            def start(self):
                self.x = 1
                self.xs = ["a", "a long text that is cut somewhere", None]
                self.said = {asked}
                self.next(self.each, foreach="xs")
            @step
            def each(self):
                self.text = str(self)
                self.doubly = self.doubled
                self.next(self.join)
            @step
            def join(self, inputs):
                self.texts = [i.text for i in inputs]
                self.inputs_are = [str(i) for i in inputs]
                self.doubly = [i.doubled for i in inputs]
                self.text = str(self)
                self.next(self.end)
            @step
            def end(self):
                pass
"""


def _start(folder: Path, asked: str) -> Any:
    return drive(written(folder, FLOW.format(asked=asked)), folder / "blobs").ran[0]


def test_a_flow_iterates_over_its_steps_by_name(tmp_path: Path) -> None:
    """As Metaflow's does; so `in` finds functions, no names."""
    ran = _start(tmp_path, "([step.__name__ for step in self], 'start' in self)")
    assert ran.artifacts["said"] == (["each", "end", "join", "start"], False)


def test_a_flow_knows_its_file_and_class(tmp_path: Path) -> None:
    ran = _start(tmp_path, "(self.script_name, self.name, self.__class__.__name__)")
    assert ran.artifacts["said"] == (Path(written(tmp_path, FLOW.format(asked=0))).name, "F", "F")


def test_text_of_a_flow_names_step_and_item(tmp_path: Path) -> None:
    driver = drive(written(tmp_path, FLOW.format(asked="str(self)")), tmp_path / "blobs")
    assert driver.ran[0].artifacts["said"] == "<flow F step start>"
    texts = [
        "<flow F step each[0] (input: a)>",
        "<flow F step each[1] (input: a long text that is ...)>",
        "<flow F step each[2]>",
    ]
    join = driver.task("join").artifacts
    assert (join["texts"], join["inputs_are"], join["text"]) == (texts, texts, "<flow F step join>")


def test_properties_see_artifacts_in_every_step_and_are_none(tmp_path: Path) -> None:
    join = drive(written(tmp_path, FLOW.format(asked=0)), tmp_path / "blobs").task("join").artifacts
    assert (join["doubly"], "doubled" in join) == ([2, 2, 2], False)


@pytest.mark.parametrize(
    "statement",
    [
        "del self.p",
        "del self.constant",
        "self.p = 2",
        "self.constant = 4",
        "self.index = 0",
        "self.input = 0",
        "self.script_name = 'x'",
        "self.doubled = 3",
        "del self.nothing",
    ],
)
def test_what_is_no_artifact_cannot_be_changed(statement: str, tmp_path: Path) -> None:
    text = FLOW.format(asked=0).replace("self.x = 1\n", f"{statement}\n")
    failure = drive(written(tmp_path, text), tmp_path / "blobs").ran[0].result.failure
    assert failure is not None
    assert failure.type_name == "builtins.AttributeError"


def test_a_line_of_the_shell_reads_and_writes_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    asked = "(self.cmd('cat a b > c', input={'a': 'x', 'b': b'y'}, output=['c']), self.cmd(':', output=['a', 'b']))"
    assert _start(tmp_path, asked).artifacts["said"] == (b"xy", [b"x", b"y"])


def test_a_line_of_the_shell_that_fails_says_so(tmp_path: Path) -> None:
    failure = _start(tmp_path, "self.cmd('exit 3')").result.failure
    assert failure.message == "the command `exit 3` failed with status 3"
