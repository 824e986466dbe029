"""The task that runs in this process, for user code: `from dockerflow import current`.

What a step can ask for has a value in a task and is None outside one, as where a library asks that is used in other
programs too. What a decorator provides (`@project`, `@card`, `@parallel`) is an attribute only where the decorator
is: elsewhere asking for it raises AttributeError, and `current.get` gives its default. While a run is launched, and a
parameter's default function is called, the flow's name and project are known already.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import importlib
import os
from contextlib import contextmanager
from dataclasses import field
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from dockerflow.flow.definition import Flow, Project
from dockerflow.flow.reads import of_current
from dockerflow.lazy_dataclasses import dataclass

__all__ = ["Current", "Parallel", "Situation", "current"]


class Parallel(NamedTuple):
    """The gang of tasks that this one is a member of: `current.parallel`."""

    main_ip: str
    num_nodes: int
    node_index: int
    control_task_id: str


@dataclass(frozen=True)
class Situation:
    """Who and where a running task is; or, without a run, a launch.

    `provided` is what decorators of the step add to `current`, by name.
    """

    flow: Flow
    run_id: Optional[str] = None
    step_name: Optional[str] = None
    task_id: Optional[str] = None
    retry_count: Optional[int] = None
    namespace: Optional[str] = None
    username: Optional[str] = None
    tags: Optional[Tuple[str, ...]] = None
    parameter_names: Optional[Tuple[str, ...]] = None
    origin_run_id: Optional[str] = None
    project: Optional[Project] = None
    tempdir: str = os.curdir
    provided: Dict[str, Any] = field(default_factory=dict)


class Current:
    """`flow_name`, `run_id`, `step_name`, `task_id`, `pathspec`, `retry_count`, and the other properties below."""

    def __init__(self) -> None:
        self._situation: Optional[Situation] = None

    def enter(self, situation: Optional[Situation]) -> None:
        """Say which task runs from now on; None: no one. For the runtime."""
        self._situation = situation

    @contextmanager
    def launching(self, flow: Flow, project: Optional[Project] = None) -> Iterator[None]:
        """While a run of `flow` is prepared, before it has an id."""
        before, self._situation = self._situation, Situation(flow, project=project)
        try:
            yield
        finally:
            self._situation = before

    def _of(self, name: str) -> Any:
        return getattr(self._situation, name, None)

    @property
    def is_running_flow(self) -> bool:
        """Whether this is a task."""
        return self.run_id is not None

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
        of_current("retry_count")
        return self._of("retry_count")  # type: ignore[no-any-return]

    @property
    def pathspec(self) -> Optional[str]:
        """`Flow/run/step/task`."""
        return self._path(self.flow_name, self.run_id, self.step_name, self.task_id)

    @property
    def run(self) -> Any:
        """The run as a client object, whatever the namespace; it can be an artifact."""
        return self._client("Run", self._path(self.flow_name, self.run_id))

    @property
    def task(self) -> Any:
        """The task as a client object, as `run`."""
        return self._client("Task", self.pathspec)

    @property
    def namespace(self) -> Optional[str]:
        """`user:NAME`."""
        of_current("namespace")
        return self._of("namespace")  # type: ignore[no-any-return]

    @property
    def username(self) -> Optional[str]:
        """Who started the run."""
        of_current("username")
        return self._of("username")  # type: ignore[no-any-return]

    @property
    def tags(self) -> Optional[Set[str]]:
        """The run's own tags, those given with `--tag`."""
        of_current("tags")
        tags = self._of("tags")
        return None if tags is None else set(tags)

    @property
    def parameter_names(self) -> List[str]:
        """The attributes that are parameters. Outside a task there is no such attribute, as in Metaflow."""
        if self._situation is None or self._situation.parameter_names is None:
            raise AttributeError(_missing("parameter_names"))
        of_current("parameter_names")
        return list(self._situation.parameter_names)

    @property
    def origin_run_id(self) -> Optional[str]:
        """The run that this one resumes; None for one that resumes none."""
        return self._of("origin_run_id")  # type: ignore[no-any-return]

    @property
    def tempdir(self) -> str:
        """A directory for files that are not needed after the task, the one in which it starts."""
        return os.curdir if self._situation is None else self._situation.tempdir

    @property
    def trigger(self) -> None:
        """Always None: no event starts a run here."""
        return

    @property
    def project_name(self) -> str:
        """The name in `@project`."""
        return self._project("project_name").name

    @property
    def branch_name(self) -> str:
        """`user.NAME`, `test.BRANCH`, `prod` or `prod.BRANCH`."""
        return self._project("branch_name").branch

    @property
    def project_flow_name(self) -> str:
        """`project.branch.Flow`."""
        return self._project("project_flow_name").flow_name

    @property
    def is_production(self) -> bool:
        """Whether the run was started with `--production`."""
        return self._project("is_production").production

    @property
    def is_user_branch(self) -> bool:
        """Whether the run was started with neither `--production` nor `--branch`."""
        return self._project("is_user_branch").branch.startswith("user.")

    @property
    def graph(self) -> Optional[Dict[str, Any]]:
        """The flow: its `doc`, `start_step`, `end_step`, `parameters`, `steps` and `graph_structure`; of each step the
        `type`, `doc`, `line`, `decorators` and `next` steps, and what it splits by.
        """
        if self._situation is None:
            return None
        from dockerflow.flow.graph import graph_of  # noqa: PLC0415 - few tasks ask

        of_current("graph")
        return graph_of(self._situation.flow)

    def get(self, key: str, default: Any = None) -> Any:
        """The attribute, or `default` where `current` has none of that name. One that is None is None."""
        return getattr(self, key, default)

    def __contains__(self, key: str) -> bool:
        return getattr(self, key, None) is not None

    def __getattr__(self, name: str) -> Any:
        # Called for what is no property, and for a property that raised AttributeError.
        situation: Optional[Situation] = vars(self).get("_situation")
        if situation is not None and name in situation.provided:
            return situation.provided[name]
        raise AttributeError(_missing(name))

    def _project(self, name: str) -> Project:
        if self._situation is None or self._situation.project is None:
            raise AttributeError(_missing(name))
        return self._situation.project

    @staticmethod
    def _path(*parts: Optional[str]) -> Optional[str]:
        return None if None in parts else "/".join(part or "" for part in parts)

    @staticmethod
    def _client(kind: str, pathspec: Optional[str]) -> Any:
        # By name: what is imported with every flow leaves the client alone.
        if pathspec is None:
            return None
        return getattr(importlib.import_module("dockerflow"), kind)._there(pathspec)


_OF_PROJECT = ("project_name", "branch_name", "project_flow_name", "is_production", "is_user_branch")
_PROVIDED_BY = {
    **dict.fromkeys(_OF_PROJECT, "flow has no `@project`"),
    "parameter_names": "is no task",
    "card": "step has no `@card`",
    "parallel": "step is in no `num_parallel` gang",
    "is_parallel": "step is in no `num_parallel` gang",
}


def _missing(name: str) -> str:
    why = f": this {_PROVIDED_BY[name]}" if name in _PROVIDED_BY else ""
    return f"`current` has no `{name}`{why}"


current = Current()
