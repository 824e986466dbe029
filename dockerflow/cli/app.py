"""The commands of `dockerflow`: their names, options and help texts. What they do is in the modules they import.

Each command imports its module when it is called, so that `dockerflow --help` and a mistyped word are answered at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

import dockerflow
from dockerflow.cli import configs
from dockerflow.cli.commands import Commands, Sectioned, invoke
from dockerflow.cli.configs import ConfigPaths, ConfigTexts
from dockerflow.cli.flow_first import FlowFirst, parameters_of
from dockerflow.cli.gc_command import gc
from dockerflow.cli.run_options import (
    Branch,
    Engine,
    EngineWord,
    FlowFileWord,
    FreshContainers,
    MaxLogSize,
    MaxNumSplits,
    MaxWorkers,
    Namespace,
    PackageSuffixes,
    Production,
    Quiet,
    RunIdFile,
    Tags,
    With,
    flow_files,
    suffixes,
)
from dockerflow.cli.store_commands import store_app
from dockerflow.cli.store_option import Store
from dockerflow.cli.tag_commands import tag_app
from dockerflow.flow.given import Given

NAME = "dockerflow"


FlowFile = Annotated[
    Path, typer.Argument(metavar="FLOW.PY", help="The file of the flow.", show_default=False, autocompletion=flow_files)
]
FlowName = Annotated[
    Optional[str], typer.Option("--flow", metavar="NAME", help="The flow's class, if the file has several.")
]
PathspecWord = Annotated[str, typer.Argument(metavar="PATHSPEC", help="Flow/run, Flow/run/step or Flow/run/step/task.")]
ImageWord = Annotated[
    str,
    typer.Argument(metavar="IMAGE", help="Its reference, the first digits of that or of a digest, or Flow/run/step."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

app = typer.Typer(
    cls=Commands,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Run data-science workflows whose steps have containers and library versions of their own.",
    epilog="`dockerflow COMMAND --help` tells more about a command, `dockerflow run flow.py --help` about a flow.",
)
runs_app = typer.Typer(cls=Commands, rich_markup_mode=None, help="What is kept about runs.")
images_app = typer.Typer(cls=Commands, rich_markup_mode=None, help="The images that steps run in.")
app.add_typer(runs_app, name="runs")
app.add_typer(tag_app, name="tag")
app.add_typer(images_app, name="images")
app.add_typer(store_app, name="store")


def carry_out(words: list[str]) -> int:
    """Carry out a command line and return its exit code; no words at all ask for help."""
    return invoke(app, words or ["--help"], NAME)


def _called(context: typer.Context) -> tuple[str, ...]:
    """The command line as it was typed; `context.obj` is there where Python runs the flow's own file."""
    return ("python", *sys.argv) if context.obj else (NAME, *sys.argv[1:])


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
    engine: EngineWord = Engine.docker,
    store: Store = None,
    namespace: Namespace = None,
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
        engine=engine.value,
        store=store,
        command=_called(context),
        namespace=namespace,
        quiet=quiet,
        package_suffixes=suffixes(package_suffixes),
        given=configs.given(config, config_value, with_),
        branch=branch,
        production=production,
    )
    here = options.offered(run, [each.name for each in context.command.params])
    return running.run(chosen, here, context.command_path if context.obj else f"{context.command_path} {file}")


@app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
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
    engine: EngineWord = Engine.docker,
    store: Store = None,
    quiet: Quiet = False,
    package_suffixes: PackageSuffixes = None,
) -> int:
    """Go on with a run that failed or was stopped, as a new run.

    What succeeded is reused, the rest runs with the flow's code as it is now, and with the parameters of the earlier
    run.
    """
    from dockerflow.cli import resuming, running

    words = [word for word in (flow_file, step, *context.args) if word is not None]
    file, first = resuming.split_words(words, context.command_path)
    chosen = running.Chosen(
        file=file,
        flow=flow,
        words=(),
        max_workers=max_workers,
        max_num_splits=max_num_splits,
        max_log_size=max_log_size,
        fresh_containers=fresh_containers,
        tags=tuple(tag or ()),
        run_id_file=run_id_file,
        engine=engine.value,
        store=store,
        command=_called(context),
        quiet=quiet,
        package_suffixes=suffixes(package_suffixes),
        given=Given(decorators=tuple(with_ or ())),
        branch=branch,
        production=production,
    )
    return resuming.resume(chosen, resuming.Wanted(origin_run_id, first, chosen.given))


@app.command(cls=Sectioned)
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


@app.command(cls=Sectioned)
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


@app.command("output-dot", cls=Sectioned)
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


@app.command(cls=Sectioned)
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


@app.command(cls=Sectioned)
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


@app.command()
def setup(
    flows: Annotated[
        Optional[list[Path]],
        typer.Argument(metavar="FLOW.PY", help="Flows whose libraries a local channel must have, if one is made."),
    ] = None,
) -> int:
    """Look at this machine and mend what is missing.

    The Docker engine, the base image, a conda channel, the store, the disk: one line each about what was found and
    done. What is there is used, and a second call does nothing.
    """
    from dockerflow.cli import machine

    return machine.setup(flows or [])


@app.command()
def doctor() -> int:
    """Look at this machine and explain, changing nothing."""
    from dockerflow.cli import machine

    return machine.doctor()


@app.command()
def up(
    port: Annotated[
        Optional[int],
        typer.Option("--port", metavar="NUMBER", help="Where it listens; otherwise where it did, or 9000."),
    ] = None,
    user: Annotated[
        bool, typer.Option("--user", help="Write your own settings, for all projects, not those of this one.")
    ] = False,
) -> int:
    """Start a MinIO on this machine, as the store of runs.

    The object server is built from its sources if need be, once. Its credentials are made and kept with your settings. A second call
    changes nothing.
    """
    from dockerflow.cli import services

    return services.up(port, user)


@app.command()
def down(
    volumes: Annotated[
        bool, typer.Option("--volumes", help="Remove its data, too: all runs in it, its credentials, its settings.")
    ] = False,
) -> int:
    """End the MinIO that `dockerflow up` started. Its data stays."""
    from dockerflow.cli import services

    return services.down(volumes)


@app.command()
def logs(  # noqa: PLR0913  # as in `run`
    pathspec: PathspecWord,
    stdout: Annotated[
        bool, typer.Option("--stdout/--no-stdout", show_default=False, help="Only what was printed to stdout.")
    ] = False,
    stderr: Annotated[
        bool, typer.Option("--stderr/--no-stderr", show_default=False, help="Only what was printed to stderr.")
    ] = False,
    both: Annotated[
        bool, typer.Option("--both/--no-both", show_default=False, help="Both, in the order of time (the default).")
    ] = False,
    timestamps: Annotated[
        bool,
        typer.Option("--timestamps/--no-timestamps", show_default=False, help="The time and task before each line."),
    ] = False,
    attempt: Annotated[
        Optional[int], typer.Option("--attempt", min=0, metavar="N", help="This attempt; otherwise the latest.")
    ] = None,
    json: AsJson = False,
    store: Store = None,
) -> int:
    """Print what tasks have printed."""
    from dockerflow.cli import reading

    wanted = {name for name, asked in (("stdout", stdout), ("stderr", stderr)) if asked and not both}
    streams = frozenset(wanted or {"stdout", "stderr"})
    return reading.logs(pathspec, reading.Wanted(streams, timestamps, attempt, json), store)


@app.command()
def dump(  # noqa: PLR0913  # as in `run`
    pathspec: PathspecWord,
    private: Annotated[
        bool,
        typer.Option(
            "--private/--no-private", show_default=False, help="Also those whose names begin with an underscore."
        ),
    ] = False,
    max_value_size: Annotated[
        int,
        typer.Option(
            "--max-value-size",
            min=0,
            metavar="BYTES",
            help="Show values that are smaller; 0 shows none, and loads none.",
        ),
    ] = 1000,
    include: Annotated[str, typer.Option("--include", metavar="NAMES", help="Only these, with commas between.")] = "",
    file: Annotated[
        Optional[Path], typer.Option("--file", metavar="FILE", help="Pickle the values into a file instead.")
    ] = None,
    in_image: Annotated[
        bool,
        typer.Option("--in-image", help="Show each value as the image of the step that wrote it has it."),
    ] = False,
    json: AsJson = False,
    store: Store = None,
) -> int:
    """List the artifacts of tasks, with the values of small ones."""
    from dockerflow.cli import dumping

    names = frozenset(name.strip() for name in include.split(",") if name.strip())
    return dumping.dump(pathspec, dumping.Wanted(private, max_value_size, names, json, file, in_image), store)


@runs_app.command("list")
def list_runs(
    flow: Annotated[Optional[str], typer.Option("--flow", metavar="NAME", help="Only runs of this flow.")] = None,
    json: AsJson = False,
    store: Store = None,
) -> int:
    """List the runs in the store, newest first."""
    from dockerflow.cli import reading

    return reading.list_runs(flow, json, store)


@images_app.command("list")
def list_images(
    every: Annotated[
        bool, typer.Option("--all", help="Also those of which neither this cache nor this store knows anything.")
    ] = False,
    json: AsJson = False,
    store: Store = None,
) -> int:
    """List the step images, those used last first."""
    from dockerflow.cli import images

    return images.list_images(every, json, store)


@images_app.command("show")
def show_image(image: ImageWord, json: AsJson = False, store: Store = None) -> int:
    """Show an image: digests, layers, who shares them, packages, and the runs that used it."""
    from dockerflow.cli import images

    return images.show_image(image, json, store)


@images_app.command("export")
def export_image(
    image: ImageWord,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write; `-` is stdout.")],
    force: Force = False,
    store: Store = None,
) -> int:
    """Write an image into an OCI archive, which `docker load`, podman and skopeo take."""
    from dockerflow.cli import giving

    return giving.export_image(image, output, force, store)


@images_app.command("push")
def push_image(
    image: ImageWord,
    repository: Annotated[str, typer.Argument(metavar="REPOSITORY[:TAG]", help="Such as `host:5000/team/name:tag`.")],
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="Send it unencrypted, to a registry that speaks no TLS.")
    ] = False,
    store: Store = None,
) -> int:
    """Push an image to a registry, where it gets the digest that runs record."""
    from dockerflow.cli import giving

    return giving.push_image(image, repository, plain_http, store)


@images_app.command("sbom")
def sbom(
    image: Annotated[
        str, typer.Argument(metavar="IMAGE", help="As for `images show`, or FLOW.PY[:STEP] for what its lock has.")
    ],
    output: Annotated[
        Optional[Path], typer.Option("--output", "-o", metavar="FILE", help="The file to write; otherwise stdout.")
    ] = None,
    force: Force = False,
    flow: FlowName = None,
    store: Store = None,
) -> int:
    """Tell what is in an image as a CycloneDX document (1.6, JSON): packages, hashes, dependencies, base."""
    from dockerflow.cli import sbom as command

    return command.sbom(image, flow, output, force, store)


@images_app.command("prune")
def prune_images(
    older_than: Annotated[
        str, typer.Option("--older-than", metavar="TIME", help="How long it was not used: `30m`, `12h`, `30d`, `2w`.")
    ],
    unknown: Annotated[
        bool, typer.Option("--unknown", help="Also images that neither this cache nor this store knows.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it without asking.")] = False,
    json: AsJson = False,
    store: Store = None,
) -> int:
    """Remove images and parts of the cache that were not used for long. Shows them first and asks."""
    from dockerflow.cli import pruning

    return pruning.prune_images(older_than, unknown, yes, json, store)


@app.command()
def version() -> None:
    """Print the version."""
    _print_version(True)


app.command()(gc)
