"""A program that starts flows with Metaflow's Runner has the same answers from ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.differential.test_same_client_as_metaflow import HERE, called

FLOW = """
import time
from pathlib import Path
from dockerflow import FlowSpec, JSONType, Parameter, current, step

class Small(FlowSpec):
    alpha = Parameter("alpha", default=3)
    flag = Parameter("flag", default=False, type=bool)
    text = Parameter("text", default="a text")
    options = Parameter("options", type=JSONType, default='{"b": 2}')

    @step
    def start(self):
        print("hello from start", flush=True)
        if self.text == "wait":
            time.sleep(60)
        self.x = self.alpha + 1
        if self.alpha < 0 and not current.origin_run_id:
            raise ValueError("only a resumed run goes on")
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Small()
"""


def test_runner_answers_what_metaflows_does(tmp_path: Path) -> None:
    ours, theirs = answers(tmp_path / "ours", "dockerflow"), answers(tmp_path / "theirs", "metaflow")
    assert len(ours) > 35
    assert {question: answer for question, answer in ours.items() if answer != theirs.get(question)} == {}
    assert ours.keys() == theirs.keys()


def answers(folder: Path, package: str) -> dict[str, Any]:
    (folder / ".dockerflow").mkdir(parents=True)
    (folder / "flow.py").write_text(FLOW.replace("from dockerflow", f"from {package}"))
    printed = called(folder, "ada", str(HERE / "runner_answers.py"), package)
    return dict(json.loads(line) for line in printed.splitlines() if line.startswith("["))
