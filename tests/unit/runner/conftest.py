from __future__ import annotations

from pathlib import Path

import pytest

FLOW = """
import sys, time
from pathlib import Path
from dockerflow import FlowSpec, JSONType, Parameter, step

class Small(FlowSpec):
    alpha = Parameter("alpha", default=3)
    movie_data = Parameter("movie-data", default="none")
    options = Parameter("options", type=JSONType, default="{}")
    store = Parameter("store", default="a shop")
    does = Parameter("does", default="")

    @step
    def start(self):
        self.x = self.alpha + 1
        print("hello from start", flush=True)
        print("oh", file=sys.stderr, flush=True)
        if self.does == "fail":
            raise ValueError("as was asked")
        if self.does.startswith("/"):
            Path(self.does).touch()
            time.sleep(120)
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Small()
"""


@pytest.fixture
def flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A flow's file in the working directory, where the store will be."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKERFLOW_USER", "ada")
    for variable in ("DOCKERFLOW_STORE", "DOCKERFLOW_OUTBOX"):
        monkeypatch.delenv(variable, raising=False)
    file = tmp_path / "small.py"
    file.write_text(FLOW)
    return file
