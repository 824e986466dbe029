"""Run in a process of its own, where Metaflow is: what its decorators and its readers of files make of what they get.

    python metaflow_packages.py < question.json > answer.json

The question has `merged`, a list of (kind, options on the flow, options on the step), and the texts of `requirements`
and `project`.
"""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import Any

from metaflow.plugins.pypi.conda_decorator import CondaFlowDecorator, CondaStepDecorator
from metaflow.plugins.pypi.parsers import pyproject_toml_parser, requirements_txt_parser
from metaflow.plugins.pypi.pypi_decorator import PyPIFlowDecorator, PyPIStepDecorator

DECORATORS = {"conda": (CondaFlowDecorator, CondaStepDecorator), "pypi": (PyPIFlowDecorator, PyPIStepDecorator)}


class Steps:
    """As much of a flow as the decorators look at."""

    def __init__(self, decorators: dict[str, list[Any]]) -> None:
        self._flow_decorators = decorators

    def __iter__(self) -> Any:
        return iter([SimpleNamespace(name="start", decorators=[])])


def merged(kind: str, base: dict[str, Any], own: dict[str, Any]) -> list[Any]:
    of_flow, of_step = DECORATORS[kind]
    on_flow, on_step = of_flow(attributes=base), of_step(attributes=own)
    for decorator in (on_flow, on_step):
        decorator.init()
    environment = SimpleNamespace(TYPE="conda", set_local_root=lambda root: None, is_disabled=lambda step: False)
    on_step.step_init(Steps({f"{kind}_base": [on_flow]}), None, "start", [], environment, None, lambda *said: None)
    found = on_step.attributes
    named_here = kind == "pypi" or "python" in {**base, **own}  # its `@conda` fills in the Python that is running
    return [found["packages"], found["python"] if named_here else None, found["disabled"]]


def main() -> None:
    question = json.load(sys.stdin)
    answer = {
        "merged": [merged(*each) for each in question["merged"]],
        "requirements": requirements_txt_parser(question["requirements"]),
        "project": pyproject_toml_parser(question["project"]),
    }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
