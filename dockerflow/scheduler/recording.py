"""What is written down of a run when it begins: its code, its parameters, its steps' images, and where it was launched.

Somebody who finds a result in a year asks what made it. Whatever the run itself does not need, such as the state of the
repository and the hashes of included files, is found out in a thread while images are prepared (`noticing`), so that a
run does not begin later for it; and nothing that goes wrong there stands in a run's way.
"""

from __future__ import annotations

import hashlib
import platform
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import dockerflow
from dockerflow import progress
from dockerflow.flow.definition import Step
from dockerflow.lazy_dataclasses import dataclass
from dockerflow.scheduler import git_state, origin
from dockerflow.scheduler.system_tags import system_tags
from dockerflow.store import code_package, manifest, runs
from dockerflow.store.base import Store
from dockerflow.store.records import GitState, IncludedFile, RunStarted, StepRecord

if TYPE_CHECKING:
    from dockerflow.scheduler.hosts import Hosts
    from dockerflow.scheduler.launch import RunRequest
    from dockerflow.scheduler.prepare import StepEnvironment


@dataclass(frozen=True)
class Noticed:
    """What was found out meanwhile."""

    git: GitState | None = None
    files: tuple[IncludedFile, ...] = ()


def noticing(request: RunRequest) -> Callable[[], Noticed]:
    """Begin to look; what is returned waits for what was found, see `git_state.LIMIT`."""
    found: list[Noticed] = []

    def look() -> None:
        folder = Path(request.loaded.flow.file).parent
        found.append(Noticed(git_state.of_folder(folder), tuple(_files(request))))

    looking = threading.Thread(target=look, name="noticing", daemon=True)
    looking.start()

    def result() -> Noticed:
        looking.join()
        return found[0] if found else Noticed()

    return result


def started(request: RunRequest, there: Hosts, noticed: Callable[[], Noticed], notify: progress.Notify) -> RunStarted:
    """The first record of the run, which gets its id here. Raises StoreError, and RunError where parameters of the run
    that is resumed are lost."""
    flow, store = request.loaded.flow, request.store
    code = _code(request)
    notify(progress.CodePacked(str(Path(flow.file).parent), len(code)))
    now = time.time()
    return RunStarted(
        time=now,
        flow=flow.name,
        run_id=runs.new_run_id(store, flow.name),
        user=request.user,
        parameters=_parameters(request, store),
        code=store.blobs.put([code]),
        steps=tuple(_step(step, there.environments(step.name)) for step in flow.steps.values()),
        flow_file=Path(flow.file).name,
        tags=request.tags,
        command=request.command,
        version=dockerflow.__version__,
        doc=flow.doc,
        origin_run_id=request.resumed.started.run_id if request.resumed else None,
        system_tags=system_tags(request.user, request.project, now),
        git=request.reproduced.started.git if request.reproduced else noticed().git,
        machine=platform.node(),
        machine_platform=f"{platform.system()}-{platform.release()}-{platform.machine()}",
        machine_python=platform.python_version(),
        reproduces=request.reproduced.started.run_id if request.reproduced else None,
        files=_all_files(request, noticed().files),
    )


def _code(request: RunRequest) -> bytes:
    if request.reproduced is not None:
        return code_package.renewed(request.reproduced.code)
    return code_package.pack(request.loaded.flow.file, request.loaded.given, request.package_suffixes)


# ---- steps


def _step(step: Step, environments: Mapping[str, StepEnvironment]) -> StepRecord:
    """`environments` are by platform, the first of which is the step's own."""
    record = StepRecord(
        step.name,
        step.next,
        step.doc,
        step.line,
        step.foreach,
        step.join,
        condition=step.condition,
        gang=step.gang,
    )
    found = [_in(record, platform, environment) for platform, environment in environments.items()]
    return replace(found[0], elsewhere=tuple(found[1:])) if found else record


def _in(record: StepRecord, platform: str, environment: StepEnvironment) -> StepRecord:
    return replace(
        record,
        platform=platform,
        image=environment.image,
        config_digest=environment.config_digest,
        manifest_digest=environment.manifest_digest,
        lock=environment.lock,
        spec_hash=environment.spec_hash,
        base_image=environment.base_image,
        base_digest=environment.base_digest,
        repository_digest=environment.repository_digest,
        python=environment.python,
        python_version=environment.python_version,
        transform=environment.transform,
    )


# ---- parameters


def _parameters(request: RunRequest, store: Store) -> str:
    if request.origin is not None:
        return origin.parameters(store.blobs, request.origin, request.parameters, request.loaded.flow.given_names())
    return manifest.write(store.blobs, dict(request.parameters), {})


def _files(request: RunRequest) -> Iterator[IncludedFile]:
    for parameter in request.loaded.flow.parameters:
        value = request.parameters.get(parameter.attribute)
        if parameter.kind == "file" and isinstance(value, (str, bytes)):
            content = value.encode(errors="surrogatepass") if isinstance(value, str) else value
            yield IncludedFile(parameter.attribute, len(content), hashlib.sha256(content).hexdigest())


def _all_files(request: RunRequest, given: tuple[IncludedFile, ...]) -> tuple[IncludedFile, ...]:
    """With those of the run that is resumed."""
    before = request.origin.started.files if request.origin else ()
    return tuple({each.parameter: each for each in (*before, *given)}.values())
