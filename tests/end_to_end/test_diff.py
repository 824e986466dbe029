"""Two runs whose steps have other libraries, held against each other by who has none of them."""

from __future__ import annotations

import json

FLOW = '''
from dockerflow import FlowSpec, conda, step


class Model:
    """Its module is not on the path of who compares."""

    def __init__(self, weight):
        self.weight = weight

    def __repr__(self):
        return f"a model of {self.weight}"


class Compared(FlowSpec):
    @conda(libraries={"pandas": "1.5.3"})
    @step
    def start(self):
        import pandas

        self.frame = pandas.DataFrame({"a": [1, 2], "b": [0.5, 1.5]})
        self.version = pandas.__version__
        self.model = Model(1)
        self.next(self.end)

    @step
    def end(self):
        self.label = "done"
'''


def test_two_runs_differ_in_a_package_and_in_what_came_of_it(dockerflow, tmp_path):
    file = tmp_path / "compared_by_a_test.py"
    file.write_text(FLOW)
    dockerflow("run", file)
    file.write_text(FLOW.replace("1.5.3", "2.2.3").replace("0.5, 1.5", "0.5, 1.75").replace("Model(1)", "Model(2)"))
    dockerflow("run", file)
    second, first = [line["run"] for line in json.loads(dockerflow("runs", "list", "--json").stdout)]

    assert dockerflow("diff", first, first).stdout.count(": the same") == 4
    told = dockerflow("diff", first, second, code=11).stdout
    lines = told.splitlines()
    locks = lines[lines.index("locks: those of 1 environment differ") + 1 :]
    assert locks[0] == "  start:"
    assert "    pandas 1.5.3 → 2.2.3" in locks[: locks.index("")]
    images = lines[lines.index("images: 1 step of 2 differs") + 1 :]
    assert images[0].startswith("  start  ")
    assert " → " in images[0]
    assert '  +    @conda(libraries={"pandas": "2.2.3"})' in lines
    artifacts = [" ".join(line.split()) for line in lines[lines.index("artifacts: 3 differences in 4 artifacts") + 1 :]]
    assert artifacts[: artifacts.index("")] == [
        "start frame shape (2, 2), 1 of 2 columns differs",
        "b: float64, 1 of 2 cells differs, by 0.25 at most",
        "start model .weight: 1 → 2 (+1)",
        "start version '1.5.3' → '2.2.3'",
    ]

    found = json.loads(dockerflow("diff", first, second, "--json", "--only", "locks,images", code=11).stdout)
    changed = {each["name"]: (each["before"], each["after"]) for each in found["locks"]["steps"]["start"]["packages"]}
    assert changed["pandas"][0].startswith("1.5.3 ")
    assert list(found["images"]["steps"]) == ["start"]
    assert found["images"]["steps"]["start"]["first"]["config_digest"].startswith("sha256:")

    shown = dockerflow("diff", first, second, "--artifacts", "model,start.frame", "--in-image", code=11).stdout
    lines = [line.strip() for line in shown.splitlines()]
    assert {"- a model of 1", "+ a model of 2", "- 1  2  1.5", "+ 1  2  1.75"} <= {
        line.replace("1.50", "1.5") for line in lines
    }
