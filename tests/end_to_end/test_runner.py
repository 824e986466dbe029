"""Runs started from Python, in containers."""

from __future__ import annotations

from dockerflow import Runner

# A flow and the program that starts it, in one file: its steps import `Runner`, too, and have none.
FLOW = """
import sys
from metaflow import FlowSpec, NBRunner, Parameter, Runner, conda, step

class Films(FlowSpec):
    alpha = Parameter("alpha", default=1)

    @conda(libraries={"pandas": "1.5.3"}, python="3.11")
    @step
    def start(self):
        import pandas
        self.films = pandas.DataFrame({"film": ["Alien", "<Brazil>"], "gross": [self.alpha, 2]})
        try:
            Runner("films.py")
        except Exception as error:
            self.said = str(error)
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Films()
"""


def test_a_flow_is_run_in_containers_and_shown(variables, tmp_path, monkeypatch):
    (tmp_path / "films.py").write_text(FLOW)
    monkeypatch.chdir(tmp_path)
    with Runner("films.py", show_output=False, env=variables, quiet=True).run(alpha=7, tags="shown") as running:
        assert running.status == "successful", running.stderr
        task = running.run["start"].task
        assert "a step cannot" in task.data.said
        assert task.data.films["gross"].tolist() == [7, 2]
        assert "<td>&lt;Brazil&gt;</td>" in task["films"]._repr_html_()
        assert "dockerflow/step:" in running.run["start"]._repr_html_()
        assert "start: succeeded" in running._repr_html_()
