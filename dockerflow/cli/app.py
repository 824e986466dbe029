"""The commands of `dockerflow`: their names, and the options and help texts of `run` and `resume`.

Those of the others are in `flow_commands`, `machine_commands`, `result_commands`, `again_commands`, `rerun_command`,
`image_commands`, `store_commands`, `hosts_commands`, `tag_commands` and `gc_command`. Each command imports what carries
it out when it is called, so that `dockerflow --help` and a mistyped word are answered at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated, Optional

import typer

import dockerflow
from dockerflow.cli import again_commands, bundle_commands, configs, flow_commands, machine_commands, result_commands
from dockerflow.cli.commands import Commands, Sectioned, invoke
from dockerflow.cli.configs import ConfigPaths, ConfigTexts
from dockerflow.cli.diff_command import diff
from dockerflow.cli.flow_first import FlowFirst, parameters_of
from dockerflow.cli.gc_command import gc
from dockerflow.cli.hosts_commands import hosts_app
from dockerflow.cli.image_commands import images_app
from dockerflow.cli.rerun_command import rerun
from dockerflow.cli.run_options import (
    Branch,
    Engine,
    EngineWord,
    ExplainCache,
    FlowFileWord,
    FlowName,
    FreshContainers,
    Host,
    MaxLogSize,
    MaxNumSplits,
    MaxWorkers,
    Namespace,
    PackageSuffixes,
    Production,
    Quiet,
    RunIdFile,
    RunnerAttributeFile,
    Tags,
    With,
    suffixes,
)
from dockerflow.cli.store_commands import store_app
from dockerflow.cli.store_option import Store
from dockerflow.cli.tag_commands import tag_app
from dockerflow.flow.given import Given

NAME = "dockerflow"

app = typer.Typer(
    cls=Commands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Run data-science workflows whose steps have containers and library versions of their own.",
    epilog="`dockerflow COMMAND --help` tells more about a command, `dockerflow run flow.py --help` about a flow.",
)
runs_app = typer.Typer(cls=Commands, rich_markup_mode=None, help="What is kept about runs.")
app.add_typer(runs_app, name="runs")
app.add_typer(tag_app, name="tag")
app.add_typer(images_app, name="images")
app.add_typer(store_app, name="store")
app.add_typer(hosts_app, name="hosts")


def carry_out(words: list[str]) -> int:
    """Carry out a command line and return its exit code; no words at all ask for help."""
    return invoke(app, words or ["--help"], NAME)


def _called(context: typer.Context) -> tuple[str, ...]:
    """The command line as it was typed; `context.obj` is there where Python runs the flow's own file. A `Runner`'s way
    to hear of its run is no part of it."""
    words = [word for word in sys.argv if not word.startswith("--runner-attribute-file=")]
    return ("python", *words) if context.obj else (NAME, *words[1:])


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"dockerflow {dockerflow.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Options of `dockerflow` itself."""


# The flow's own parameters are options too, known only when its file has been read: so help is not typer's here, and
# options that are not known are passed on. See `options`.
@app.command(
    cls=FlowFirst, add_help_option=False, context_settings={"ignore_unknown_options": True, "allow_extra_args": True}
)
def run(  # noqa: PLR0913  # one argument per option is how typer reads a command
    context: typer.Context,
    flow_file: FlowFileWord = None,
    flow: FlowName = None,
    max_workers: MaxWorkers = None,
    max_num_splits: MaxNumSplits = None,
    max_log_size: MaxLogSize = None,
    fresh_containers: FreshContainers = False,
    tag: Tags = None,
    with_: With = None,
    config: ConfigPaths = None,
    config_value: ConfigTexts = None,
    branch: Branch = None,
    production: Production = False,
    run_id_file: RunIdFile = None,
    runner_attribute_file: RunnerAttributeFile = None,
    engine: EngineWord = Engine.docker,
    host: Host = None,
    store: Store = None,
    namespace: Namespace = None,
    explain_cache: ExplainCache = False,
    quiet: Quiet = False,
    package_suffixes: PackageSuffixes = None,
) -> int:
    """Run a flow. `dockerflow run flow.py --help` lists the flow's parameters, too."""
    from dockerflow.cli import options, running

    left_over = [*([] if flow_file is None else [flow_file]), *context.args]
    if left_over == [options.HELP]:
        typer.echo(context.get_help())
        return 0
    file, words = options.flow_file(left_over, context.command_path)
    chosen = running.Chosen(
        file=file,
        flow=flow,
        words=(*parameters_of(context), *words),
        max_workers=max_workers,
        max_num_splits=max_num_splits,
        max_log_size=max_log_size,
        fresh_containers=fresh_containers,
        tags=tuple(tag or ()),
        run_id_file=run_id_file,
        runner_file=runner_attribute_file,
        engine=engine.value,
        hosts=tuple(host or ()),
        store=store,
        command=_called(context),
        namespace=namespace,
        quiet=quiet,
        explain_cache=explain_cache,
        package_suffixes=suffixes(package_suffixes),
        given=configs.given(config, config_value, with_),
        branch=branch,
        production=production,
    )
    here = options.offered(run, [each.name for each in context.command.params])
    return running.run(chosen, here, context.command_path if context.obj else f"{context.command_path} {file}")


@app.command(
    cls=FlowFirst, add_help_option=False, context_settings={"ignore_unknown_options": True, "allow_extra_args": True}
)
def resume(  # noqa: PLR0913  # as in `run`
    context: typer.Context,
    flow_file: FlowFileWord = None,
    step: Annotated[
        Optional[str],
        typer.Argument(metavar="STEP", help="A step to run again, with all that follow it.", show_default=False),
    ] = None,
    flow: FlowName = None,
    origin_run_id: Annotated[
        Optional[str],
        typer.Option("--origin-run-id", metavar="ID", help="The run to resume; otherwise the flow's latest."),
    ] = None,
    max_workers: MaxWorkers = None,
    max_num_splits: MaxNumSplits = None,
    max_log_size: MaxLogSize = None,
    fresh_containers: FreshContainers = False,
    tag: Tags = None,
    with_: With = None,
    branch: Branch = None,
    production: Production = False,
    run_id_file: RunIdFile = None,
    runner_attribute_file: RunnerAttributeFile = None,
    engine: EngineWord = Engine.docker,
    host: Host = None,
    store: Store = None,
    explain_cache: ExplainCache = False,
    quiet: Quiet = False,
    package_suffixes: PackageSuffixes = None,
    attach: Annotated[
        bool,
        typer.Option("--attach", help="Go on with tasks that still run on hosts, although the code has changed."),
    ] = False,
) -> int:
    """Go on with a run that failed or was stopped, as a new run.

    What succeeded is reused, the rest runs with the flow's code as it is now, and with the parameters of the earlier
    run. Others can be given, unless what is reused has read them: `dockerflow resume flow.py --help` lists them.
    """
    from dockerflow.cli import options, resuming, running

    left_over = [word for word in (flow_file, step, *context.args) if word is not None]
    if left_over == [options.HELP]:
        typer.echo(context.get_help())
        return 0
    file, words = options.flow_file(left_over, context.command_path)
    chosen = running.Chosen(
        file=file,
        flow=flow,
        words=(*parameters_of(context), *words),
        max_workers=max_workers,
        max_num_splits=max_num_splits,
        max_log_size=max_log_size,
        fresh_containers=fresh_containers,
        tags=tuple(tag or ()),
        run_id_file=run_id_file,
        runner_file=runner_attribute_file,
        engine=engine.value,
        hosts=tuple(host or ()),
        store=store,
        command=_called(context),
        quiet=quiet,
        explain_cache=explain_cache,
        package_suffixes=suffixes(package_suffixes),
        given=Given(decorators=tuple(with_ or ())),
        branch=branch,
        production=production,
        attach=attach,
    )
    here = options.offered(resume, [each.name for each in context.command.params])
    path = context.command_path if context.obj else f"{context.command_path} {file}"
    return resuming.resume(chosen, resuming.Wanted(origin_run_id, chosen.given), here, path)


def version() -> None:
    """Print the version."""
    _print_version(True)


_OF_FLOWS: tuple[Callable[..., int], ...] = (
    flow_commands.check,
    flow_commands.show,
    flow_commands.output_dot,
    flow_commands.lock,
    flow_commands.build,
)
_OTHERS: tuple[Callable[..., int | None], ...] = (
    machine_commands.setup,
    machine_commands.doctor,
    machine_commands.up,
    machine_commands.down,
    rerun,
    result_commands.logs,
    result_commands.dump,
    diff,
    result_commands.inspect,
    again_commands.debug,
    again_commands.spin,
    version,
    gc,
)
# In the order in which the help lists them.
for _command in _OF_FLOWS:
    app.command(cls=Sectioned)(_command)
for _other in _OTHERS:
    app.command()(_other)
app.command()(bundle_commands.export)
app.command("import")(bundle_commands.bring)
runs_app.command("list")(result_commands.list_runs)
runs_app.command("kill")(result_commands.kill_runs)
