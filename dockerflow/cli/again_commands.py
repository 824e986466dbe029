"""The commands that take up a task of a past run again, without a run: their options and help texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from dockerflow.cli import configs
from dockerflow.cli.configs import ConfigPaths, ConfigTexts
from dockerflow.cli.run_options import (
    Engine,
    EngineWord,
    FlowFile,
    FlowName,
    Host,
    PackageSuffixes,
    With,
    suffixes,
)
from dockerflow.cli.store_option import Store

PathspecWord = Annotated[
    str, typer.Argument(metavar="PATHSPEC", help="Flow/run/step/task; of a run or a step, the task that failed.")
]


def debug(  # noqa: PLR0913  # as in `run`
    pathspec: PathspecWord,
    shell: Annotated[bool, typer.Option("--shell", help="A shell in the task's place, in place of Python.")] = False,
    notebook: Annotated[
        bool, typer.Option("--notebook", help="Jupyter in place of Python, beside the image if need be.")
    ] = False,
    run: Annotated[
        Optional[bool],
        typer.Option(
            "--run/--no-run",
            show_default=False,
            help="Run the step first, or not; otherwise if the task has failed.",
        ),
    ] = None,
    file: Annotated[
        Optional[Path],
        typer.Option("--file", metavar="FILE", help="Your flow's file, in place of the code that the run had."),
    ] = None,
    code: Annotated[
        Optional[Path],
        typer.Option("--code", metavar="FOLDER", help="A folder for the code that the run had, where it stays."),
    ] = None,
    env: Annotated[
        Optional[list[str]],
        typer.Option("--env", metavar="NAME[=VALUE]", help="A variable for the session; may be given several times."),
    ] = None,
    host: Annotated[
        Optional[str], typer.Option("--host", metavar="NAME", help="The Docker host to do it on; otherwise here.")
    ] = None,
    store: Store = None,
) -> int:
    """Look into a task in its image, on its inputs.

    A task that failed is run again until it fails, and the frame that failed is opened. Nothing is kept of it.
    """
    from dockerflow.cli import debugging

    chosen = debugging.Chosen(pathspec, shell, notebook, run, file, code, tuple(env or ()), host, store)
    return debugging.debug(chosen)


def spin(  # noqa: PLR0913  # as in `run`
    flow_file: FlowFile,
    step: Annotated[
        str, typer.Argument(metavar="STEP", help="The step, or Flow/run/step/task: the one whose inputs it gets.")
    ],
    flow: FlowName = None,
    from_: Annotated[
        Optional[str],
        typer.Option(
            "--from",
            metavar="PATHSPEC",
            help="Whose inputs: Flow/run, Flow/run/step or Flow/run/step/task; otherwise those of the latest run.",
        ),
    ] = None,
    index: Annotated[
        Optional[int],
        typer.Option(
            "--index", min=0, metavar="N", help="Which task of a foreach, counted from 0; otherwise one that failed."
        ),
    ] = None,
    artifacts_module: Annotated[
        Optional[Path],
        typer.Option(
            "--artifacts-module",
            metavar="FILE",
            help="A Python file whose ARTIFACTS, a dictionary, take the place of what the inputs have.",
        ),
    ] = None,
    with_: With = None,
    config: ConfigPaths = None,
    config_value: ConfigTexts = None,
    engine: EngineWord = Engine.docker,
    host: Host = None,
    package_suffixes: PackageSuffixes = None,
    store: Store = None,
) -> int:
    """Run one step again on past inputs.

    It has the code as it is now, and runs in its container, but there is no run: what it gives is shown beside what it
    gave then.
    """
    from dockerflow.cli import spinning

    chosen = spinning.Chosen(
        file=flow_file,
        step=step,
        flow=flow,
        from_=from_,
        index=index,
        artifacts=artifacts_module,
        given=configs.given(config, config_value, with_),
        engine=engine.value,
        hosts=tuple(host or ()),
        package_suffixes=suffixes(package_suffixes),
        store=store,
    )
    return spinning.spin(chosen)
