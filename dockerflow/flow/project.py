"""The project and branch that a run belongs to: what `@project` says, with what the command line adds.

The branch is `user.NAME` unless one is given, `test.BRANCH` then, and in production `prod` or `prod.BRANCH`, as in
Metaflow. A branch or production may be said in the flow or when it is run, but not differently in both.

Standard library only, Python 3.7.
"""

from __future__ import annotations

import os
from typing import Optional

from dockerflow.flow.definition import AskedProject, Flow, Project
from dockerflow.flow.errors import FlowError, place
from dockerflow.flow.flow_values import NAME, is_name

__all__ = ["BRANCH", "PRODUCTION", "project_of"]

# Variables that say what the options do: ours, and Metaflow's.
BRANCH = ("DOCKERFLOW_FLOW_BRANCH", "METAFLOW_FLOW_BRANCH")
PRODUCTION = ("DOCKERFLOW_FLOW_PRODUCTION", "METAFLOW_FLOW_PRODUCTION")


def project_of(flow: Flow, user: str, branch: Optional[str] = None, production: bool = False) -> Optional[Project]:
    """The project of a run; None for a flow without `@project`. Raises FlowError for options that cannot be."""
    asked = flow.project
    if asked is None:
        given = "--branch" if branch else "--production" if production else ""
        if given:
            hint = 'put `@project(name="...")` on the class, or leave the option out'
            raise FlowError(f"flow `{flow.name}` belongs to no project, so `{given}` says nothing", hint)
        return None
    branch = branch or next((os.environ[name] for name in BRANCH if os.environ.get(name)), None)
    production = production or any(_is_true(os.environ.get(name, "")) for name in PRODUCTION)
    return _project(flow.name, user, asked, branch, production)


def _project(flow: str, user: str, asked: AskedProject, branch: Optional[str], production: bool) -> Project:
    if branch is not None and not is_name(branch):
        raise FlowError(f"branch `{branch}` has a name that a branch cannot have; expected {NAME}")
    if branch is not None and asked.branch not in (None, branch):
        raise _twice(asked, f"branch `{branch}` is asked for, and `@project` names the branch `{asked.branch}`")
    if production and asked.production is False:
        raise _twice(asked, "production is asked for, and `@project` says `production=False`")
    branch, production = asked.branch or branch, bool(asked.production or production)
    full = ".".join(["prod" if production else "test", branch]) if branch else "prod" if production else _own(user)
    return Project(asked.name, full, ".".join([asked.name, full, flow]), production)


def _own(user: str) -> str:
    return f"user.{os.environ.get('METAFLOW_OWNER') or user}"


def _is_true(text: str) -> bool:
    return text.strip().lower() in ("true", "t", "1", "yes", "y", "on")


def _twice(asked: AskedProject, what: str) -> FlowError:
    return FlowError(f"{place(asked.file, asked.line)}: {what}", "say it in one place")
