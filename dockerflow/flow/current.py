"""The task that runs in this process, for user code: `from dockerflow import current`.

Outside a task every property is None, and `is_running_flow` False.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import Any, Dict, Optional, Tuple

from dockerflow.flow.definition import Flow

__all__ = ["Current", "Situation", "current"]


@dataclass(frozen=True)
class Situation:
    """Who and where a running task is."""

    flow: Flow
    run_id: str
    step_name: str
    task_id: str
    retry_count: int
    namespace: str = ""
    username: str = ""
    tags: Tuple[str, ...] = ()
    parameter_names: Tuple[str, ...] = ()
    origin_run_id: Optional[str] = None


class Current:
    """`flow_name`, `run_id`, `step_name`, `task_id`, `pathspec`, `retry_count`, and the other properties below."""

    def __init__(self) -> None:
        self._situation: Optional[Situation] = None

    def enter(self, situation: Optional[Situation]) -> None:
        """Say which task runs from now on; None: no one. For the runtime."""
        self._situation = situation

    def _of(self, name: str) -> Any:
        return getattr(self._situation, name, None)

    @property
    def is_running_flow(self) -> bool:
        return self._situation is not None

    @property
    def flow_name(self) -> Optional[str]:
        return None if self._situation is None else self._situation.flow.name

    @property
    def run_id(self) -> Optional[str]:
        return self._of("run_id")  # type: ignore[no-any-return]

    @property
    def step_name(self) -> Optional[str]:
        return self._of("step_name")  # type: ignore[no-any-return]

    @property
    def task_id(self) -> Optional[str]:
        return self._of("task_id")  # type: ignore[no-any-return]

    @property
    def retry_count(self) -> Optional[int]:
        """0 in the first attempt, 1 in the second one."""
        return self._of("retry_count")  # type: ignore[no-any-return]

    @property
    def pathspec(self) -> Optional[str]:
        """`Flow/run/step/task`."""
        if self._situation is None:
            return None
        return "/".join((self._situation.flow.name, self.run_id or "", self.step_name or "", self.task_id or ""))

    @property
    def namespace(self) -> Optional[str]:
        return self._of("namespace")  # type: ignore[no-any-return]

    @property
    def username(self) -> Optional[str]:
        """Who started the run."""
        return self._of("username")  # type: ignore[no-any-return]

    @property
    def tags(self) -> Any:
        return self._of("tags")

    @property
    def parameter_names(self) -> Any:
        """The attributes that are parameters."""
        return None if self._situation is None else list(self._situation.parameter_names)

    @property
    def origin_run_id(self) -> Optional[str]:
        """The run that this one resumes."""
        return self._of("origin_run_id")  # type: ignore[no-any-return]

    @property
    def tempdir(self) -> Optional[str]:
        """A directory for files that are not needed after the task."""
        return None if self._situation is None else tempfile.gettempdir()

    @property
    def graph(self) -> Optional[Dict[str, Any]]:
        """The flow: `doc`, and of each of its `steps` the name, doc, line, next steps and foreach."""
        if self._situation is None:
            return None
        flow = self._situation.flow
        steps = {
            step.name: {
                "name": step.name,
                "doc": step.doc,
                "line": step.line,
                "next": list(step.next),
                "foreach": step.foreach,
                "join": step.join,
            }
            for step in flow.steps.values()
        }
        return {"name": flow.name, "doc": flow.doc, "steps": steps}

    def get(self, key: str, default: Any = None) -> Any:
        value = getattr(self, key, None)
        return default if value is None else value

    def __contains__(self, key: str) -> bool:
        return getattr(self, key, None) is not None


current = Current()
