"""`run`: from the command line to a run, and from its outcome to an exit code.

The order matters to whoever waits: everything that can be wrong with the command, the flow and its parameters is said
before the scheduler, the engine or the solver is even imported.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from dockerflow.cli import options, sentences, streams
from dockerflow.cli.apart import Apart, View
from dockerflow.cli.errors import HUNG_UP, INTERRUPTED, TERMINATED, CommandLineError, show_error
from dockerflow.cli.flows import load_flow
from dockerflow.cli.picture import Picture
from dockerflow.cli.places import config_here, place_of, store_for_writing
from dockerflow.cli.runner_file import telling_runner
from dockerflow.errors import DockerflowError
from dockerflow.flow.checks import check
from dockerflow.flow.current import current
from dockerflow.flow.definition import Flow, Project
from dockerflow.flow.given import NOTHING, Given
from dockerflow.flow.loading import LoadedFlow
from dockerflow.flow.parameters import resolve, user_name
from dockerflow.flow.project import project_of
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.progress import Event, Notify, RunBegan
from dockerflow.store.tags import new_tags

if TYPE_CHECKING:
    from dockerflow.scheduler.launch import RunOutcome
    from dockerflow.scheduler.origin import Origin, Reproduced

EXIT_CODES = {"succeeded": 0, "failed": 1}
STOPPED = {"Ctrl-C": INTERRUPTED, "SIGTERM": TERMINATED, "SIGHUP": HUNG_UP}  # by the reason that the run ended for


@dataclass(frozen=True)
class Chosen:
    """What the command line says. `words` are those that are left for the flow's parameters."""

    file: str
    flow: str | None
    words: tuple[str, ...]
    max_workers: int | None
    max_num_splits: int | None
    max_log_size: int | None
    fresh_containers: bool
    tags: tuple[str, ...]
    run_id_file: Path | None
    engine: str
    store: str | None
    command: tuple[str, ...]
    namespace: str | None = None
    quiet: bool = False
    package_suffixes: tuple[str, ...] = ()
    given: Given = NOTHING
    branch: str | None = None
    production: bool = False
    hosts: tuple[str, ...] = ()  # as `--host` has them; names of hosts that are there in `with_hosts`
    attach: bool = False
    explain_cache: bool = False
    aside: bool = False  # what happens is shown on stderr
    runner_file: Path | None = None

    def project(self, flow: Flow) -> Project | None:
        """The project of the run that was chosen. Raises FlowError."""
        return project_of(flow, user_name(), self.branch, self.production)


def run(chosen: Chosen, command: Callable[..., Any], path: str) -> int:
    """Run a flow and return the exit code; `command` and `path` are what help texts name. Raises DockerflowError."""
    chosen = with_hosts(chosen)
    loaded = load_flow(chosen.file, chosen.flow, chosen.given)
    given = options.parameters(loaded.flow, chosen.words, command, path)
    if given is None:
        return 0
    check(loaded.flow, containers=chosen.engine != "process")
    with current.launching(loaded.flow, chosen.project(loaded.flow)):
        values = resolve(loaded, given)
    return launch_and_tell(chosen, loaded, values)


def with_hosts(chosen: Chosen) -> Chosen:
    """With the hosts that are meant, each once. Raises CommandLineError for one that is not there."""
    if not chosen.hosts:
        return chosen
    if chosen.engine == "process":
        message = "`--engine process` runs steps in this Python, and `--host` names Docker hosts"
        raise CommandLineError(message, "leave one of them out")
    from dockerflow.cli import hosts

    return replace(chosen, hosts=hosts.chosen(chosen.hosts))


def launch_and_tell(
    chosen: Chosen, loaded: LoadedFlow, values: Mapping[str, object], origin: Origin | None = None
) -> int:
    """Run a flow that has been checked, show how it goes, and return the exit code. Raises DockerflowError."""
    return launched(chosen, loaded, values, origin)[1]


def launched(
    chosen: Chosen,
    loaded: LoadedFlow,
    values: Mapping[str, object],
    origin: Origin | None = None,
    reproduced: Reproduced | None = None,
) -> tuple[RunOutcome, int]:
    """As `launch_and_tell`, with what came of it."""
    _require_folder(chosen.run_id_file)
    outcome, picture, place = _launch(chosen, loaded, values, origin, reproduced)
    if outcome.status == "failed":
        show_error(_what_failed(outcome, picture, place), sys.stderr)
    elif outcome.kept is not None:
        print(f"warning: the store `{place.store}` is away: {_kept(outcome.kept, place)}", file=sys.stderr)
    return outcome, _code_of_stopped(outcome) if outcome.status == "stopped" else EXIT_CODES[outcome.status]


def _code_of_stopped(outcome: RunOutcome) -> int:
    """Who sent a signal knows why the run ends; who looks at one that was ended from elsewhere need not."""
    if outcome.reason not in STOPPED:
        print(f"run `{outcome.flow}/{outcome.run_id}` was {outcome.reason}", file=sys.stderr)
    return STOPPED.get(outcome.reason, TERMINATED)


def _launch(
    chosen: Chosen,
    loaded: LoadedFlow,
    values: Mapping[str, object],
    origin: Origin | None,
    reproduced: Reproduced | None,
) -> tuple[RunOutcome, Picture, sentences.Place]:
    from dockerflow.scheduler.launch import RunRequest, launch

    config = config_here()
    store = store_for_writing(chosen.store, config)
    request = RunRequest(
        loaded=loaded,
        parameters=values,
        config=config,
        store=store,
        user=user_name(),
        max_workers=chosen.max_workers,
        max_num_splits=chosen.max_num_splits,
        max_log_size=chosen.max_log_size,
        fresh_containers=chosen.fresh_containers,
        tags=new_tags(chosen.tags),
        command=chosen.command,
        run_id_file=chosen.run_id_file,
        engine=chosen.engine,
        origin=origin,
        reproduced=reproduced,
        project=chosen.project(loaded.flow),
        package_suffixes=chosen.package_suffixes,
        namespace=chosen.namespace,
        hosts=chosen.hosts,
        attach=chosen.attach,
        explain_cache=chosen.explain_cache,
    )
    place = replace(place_of(store), resume=("rerun", reproduced.name) if reproduced else to_resume(chosen))
    with telling_of_a_stop() as noted, view_for(place, chosen.quiet, chosen.aside) as view:
        outcome = launch(request, noted(telling_runner(chosen.runner_file, store, view.notify)))
        return outcome, view.finish(), place


def to_resume(chosen: Chosen) -> tuple[str, ...]:
    """The words that go on with this run, with the options that a resumed run does not keep and cannot do without."""
    asked = {
        "--flow": chosen.flow,
        "--engine": chosen.engine if chosen.engine != "docker" else None,
        "--host": ",".join(chosen.hosts) or None,
        "--branch": chosen.branch,
    }
    given = (word for option, value in asked.items() if value is not None for word in (option, value))
    return ("resume", chosen.file, *given, *(["--production"] if chosen.production else []))


@contextmanager
def telling_of_a_stop(what: str = "stopped before the run began") -> Iterator[Callable[[Notify], Notify]]:
    """Say what a signal stopped before there was a run; one that has begun says so itself."""
    began = threading.Event()

    def noted(notify: Notify) -> Notify:
        def told(event: Event) -> None:
            if isinstance(event, RunBegan):
                began.set()
            notify(event)

        return told

    try:
        yield noted
    except BaseException as error:
        if not isinstance(error, Exception) and not began.is_set():
            print(f"{what}; what was built is kept", file=sys.stderr)
        raise


def view_for(place: sentences.Place, quiet: bool = False, aside: bool = False) -> Apart:
    """Lines for a pipe, a picture for a terminal; a few lines for who wants quiet. None of them holds up the run. Shown
    `aside`, on stderr, where stdout is for something else."""
    return Apart(_view(place, quiet, streams.direct(sys.stderr if aside else sys.stdout)))


def _view(place: sentences.Place, quiet: bool, stream: TextIO) -> View:
    if quiet:
        from dockerflow.cli.quiet import QuietView

        return QuietView(stream, place)
    if not streams.drawable(stream):
        from dockerflow.cli.plain import PlainView

        return PlainView(stream, place)
    from rich.console import Console

    from dockerflow.cli.live import LiveView

    return LiveView(Console(file=stream), place)


def _what_failed(outcome: RunOutcome, picture: Picture, place: sentences.Place) -> DockerflowError:
    run, failure = f"{outcome.flow}/{outcome.run_id}", picture.failure
    reason = outcome.reason
    if failure is not None and failure.message in reason:  # in the words of the views, which have shown its traceback
        reason = f"{reason.partition(failure.message)[0] if failure.message else reason}{sentences.reason(failure)}"
    if outcome.kept is not None:
        return DockerflowError(f"run `{run}` failed: {reason}", _kept(outcome.kept, place))
    logs = sentences.command(place, "logs", f"{run}/{picture.failed}" if picture.failed else run)
    printed = f"what was printed: `{logs}`"
    hint = f"{failure.hint}; {printed}" if failure is not None and failure.hint else printed
    return DockerflowError(f"run `{run}` failed{f': {reason}' if reason else ''}", hint)


def _kept(folder: Path, place: sentences.Place) -> str:
    """What to do about results that wait for a store which was away."""
    again = sentences.command(place, *place.resume)
    return f"what was computed is kept in `{folder}`; when the store is back, `{again}` delivers it and goes on"


def _require_folder(file: Path | None) -> None:
    """The run's id is written when images are already made: too late to find that there is no such folder."""
    if file is not None and (not file.absolute().parent.is_dir() or file.is_dir()):
        raise CommandLineError(f"the run's id cannot be written to `{file}`", "name a file in a folder that exists")
