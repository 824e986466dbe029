"""The commands that read a flow's file and run nothing: their options and help texts."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from dockerflow.cli import configs
from dockerflow.cli.configs import ConfigPaths, ConfigTexts
from dockerflow.cli.run_options import AsJson, Branch, FlowFile, FlowName, Production, With
from dockerflow.cli.store_option import Store


def check(  # noqa: PLR0913  # as in `run`
    flow_file: FlowFile,
    flow: FlowName = None,
    with_: With = None,
    config: ConfigPaths = None,
    config_value: ConfigTexts = None,
    branch: Branch = None,
    production: Production = False,
    json: AsJson = False,
) -> int:
    """Look for mistakes without running anything.

    Every problem of the flow is printed with its file and line; the exit code is 3 if there is one.
    """
    from dockerflow.cli import checking

    loaded = checking.load_flow(flow_file, flow, configs.given(config, config_value, with_))
    return checking.check(loaded, branch, production, json)


def show(
    flow_file: FlowFile,
    flow: FlowName = None,
    with_: With = None,
    config: ConfigPaths = None,
    config_value: ConfigTexts = None,
    json: AsJson = False,
) -> int:
    """Draw a flow: its steps and their libraries."""
    from dockerflow.cli import checking

    return checking.show(checking.load_flow(flow_file, flow, configs.given(config, config_value, with_)), json)


def output_dot(
    flow_file: FlowFile,
    flow: FlowName = None,
    with_: With = None,
    config: ConfigPaths = None,
    config_value: ConfigTexts = None,
) -> int:
    """Print a flow's graph for Graphviz, in DOT.

    As in `dockerflow output-dot flow.py | dot -Tsvg -o graph.svg`.
    """
    from dockerflow.cli import checking

    return checking.output_dot(checking.load_flow(flow_file, flow, configs.given(config, config_value, with_)))


def lock(  # noqa: PLR0913  # as in `run`
    flow_file: FlowFile,
    packages: Annotated[
        Optional[list[str]],
        typer.Argument(metavar="PACKAGE", help="With --upgrade: upgrade these alone.", show_default=False),
    ] = None,
    flow: FlowName = None,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Take the newest packages that fit, all or those that are named.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; the exit code is 4 if a lock is missing or out of date.")
    ] = False,
    platform: Annotated[
        Optional[list[str]],
        typer.Option(
            "--platform", metavar="NAME", help="A platform to lock for, too, as `linux-aarch64`; may be given again."
        ),
    ] = None,
    config: ConfigPaths = None,
    config_value: ConfigTexts = None,
) -> int:
    """Write the locks of a flow beside it, to be committed.

    What still fits is kept, what is missing is solved. One file per environment, for every platform that the flow has
    been locked for; otherwise for the engine's.
    """
    from dockerflow.cli import locking

    chosen = locking.Chosen(
        flow_file,
        flow,
        tuple(packages or ()),
        upgrade,
        check,
        tuple(platform or ()),
        configs.given(config, config_value),
    )
    return locking.lock(chosen)


def build(
    flow_file: FlowFile,
    flow: FlowName = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say why each image was built: what has changed since its last build.")
    ] = False,
    store: Store = None,
    config: ConfigPaths = None,
    config_value: ConfigTexts = None,
) -> int:
    """Make the images of all steps, and run nothing.

    What is not locked yet is solved, as in a run, which then finds all there.
    """
    from dockerflow.cli import building

    return building.build(building.Chosen(flow_file, flow, explain, store, configs.given(config, config_value)))
